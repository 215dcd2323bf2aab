//! The catalogue: products and their offers, after schema.org's Product and Offer.
//!
//! A product (name, description, image) changes rarely; its offer (price and stock) changes with every sale. They are
//! two items of one table, so a sale neither rewrites the description nor updates the listing indexes.
//! Other services use the table only through this crate: [`Catalog::reserve`] and [`Catalog::release`] return the
//! transaction items with which orders and payments change the stock. The HTTP endpoints are in `src/bin`.

mod cache;
mod ids;
mod item;
mod list;
mod list_request;
mod position;
mod product;
mod reservation;
mod store;

pub use cache::OfferCache;
pub use ids::{Category, ProductId, Quantity};
pub use list::ProductPage;
pub use list_request::ListRequest;
pub use position::Position;
pub use product::{NewProduct, OfferedProduct, Product};
pub use reservation::ReservationFailure;
pub use store::Catalog;
