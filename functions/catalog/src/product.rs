//! What a product is, to clients and to orders.

use serde::{Deserialize, Serialize};
use shared::{InvalidId, Money, ProductId, Timestamp};

/// A product with its offer, as the API answers it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Product {
    /// Its name in URLs and orders.
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

/// What an order needs to know of a product: its name and the price that its transaction will insist on.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedProduct {
    /// The product.
    pub product_id: ProductId,
    /// Its name when the order was made.
    pub name: String,
    /// The price of one piece.
    pub price: Money,
}

/// A product to be put into the catalogue, as `seed/products.json` holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// Its name in URLs and orders.
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

/// A category: a slug such as `kitchen`, under the same rule as [`ProductId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Category(ProductId);

impl Category {
    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for Category {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        ProductId::try_from(text).map(Self)
    }
}
