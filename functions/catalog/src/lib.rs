//! The catalogue: products and their offers, after schema.org's Product and Offer.
//!
//! A product (name, description, image) changes rarely; its offer (price and stock) changes with every sale. They are
//! two items of one table, so a sale neither rewrites the description nor touches the listing indexes.
//! Other services reach the table through this crate only: [`Catalog::reserve`] and [`Catalog::release`] hand orders
//! and payments the transaction items that move stock.

mod cache;
mod get_product;
mod ids;
mod item;
mod list_products;
mod product;
mod reservation;
mod store;

pub use cache::OfferCache;
pub use get_product::get_product;
pub use ids::{Category, ProductId, Quantity};
pub use list_products::list_products;
pub use product::{NewProduct, OfferedProduct, Product};
pub use reservation::ReservationFailure;
pub use store::Catalog;

/// What reads bytes from outside, for the fuzz targets in `fuzz/`.
#[doc(hidden)]
pub mod border {
    pub use crate::list_products::ListRequest;
}
