//! The black-box suite: HTTP in front, the tables behind. One binary, so that it is linked once.
//!
//! - `routes`: a file for each path, `/orders/{id}/cancel` in `orders_id_cancel.rs`
//! - `flows`: what happens to an order after its request, and what can go wrong with it
//! - `checks`: what holds code, template, events and documents together, and the local stack itself

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

mod checks;
mod flows;
mod routes;
