//! The paths of the API, a file each.

mod gateway;
mod health;
mod orders;
mod orders_bad_input;
mod orders_id;
pub(crate) mod orders_id_cancel;
mod orders_identity;
mod products;
mod products_id;
