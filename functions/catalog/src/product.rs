//! Products as clients and orders see them.

use domain_primitives::{Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{Category, ProductId};

/// A product with its offer, as the API returns it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Product {
    /// Identifies it in URLs and orders.
    pub product_id: ProductId,
    /// Its name for people.
    pub name: String,
    /// A few sentences.
    pub description: String,
    /// The category it is listed in.
    pub category: Category,
    /// A URL that an `<img>` can show.
    pub image: String,
    /// The price of one piece.
    pub price: Money,
    /// Pieces that can be ordered now. Never negative.
    pub available: u64,
    /// When name, description, category or image last changed.
    pub updated_at: Timestamp,
}

/// What an order needs of a product: its name, and the price that the condition of its transaction compares.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedProduct {
    /// The product.
    pub product_id: ProductId,
    /// Its name when the order was made.
    pub name: String,
    /// The price of one piece.
    pub price: Money,
}

/// A product to add to the catalogue, as `seed/products.json` holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// Identifies it in URLs and orders.
    pub product_id: ProductId,
    /// Its name for people.
    pub name: String,
    /// A few sentences.
    pub description: String,
    /// The category it is listed in.
    pub category: Category,
    /// A URL that an `<img>` can show.
    pub image: String,
    /// The price of one piece.
    pub price: Money,
    /// Pieces in stock.
    pub available: u64,
}
