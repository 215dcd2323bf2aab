//! Product ids, categories and quantities. They are valid by construction: parsed once, where they are received.

use std::{fmt, str::FromStr};

use domain_primitives::{InvalidValue, Slug};
use serde::{Deserialize, Serialize};

/// Identifies a product in URLs and orders: a [`Slug`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProductId(Slug);

impl ProductId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for ProductId {
    type Error = InvalidValue;

    fn try_from(id: String) -> Result<Self, InvalidValue> {
        let rule = "must be a product id: 1 to 64 lower-case letters, digits and single hyphens";
        Slug::try_from(id).map(Self).map_err(|_| InvalidValue::new(rule))
    }
}

impl FromStr for ProductId {
    type Err = InvalidValue;

    fn from_str(id: &str) -> Result<Self, InvalidValue> {
        Self::try_from(id.to_owned())
    }
}

impl From<ProductId> for String {
    fn from(id: ProductId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A category of products, such as `kitchen`: a [`Slug`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Category(Slug);

impl Category {
    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for Category {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let rule = "must be a category: 1 to 64 lower-case letters, digits and single hyphens";
        Slug::try_from(text).map(Self).map_err(|_| InvalidValue::new(rule))
    }
}

/// How many pieces of a product: 1 to 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u32")]
pub struct Quantity(u32);

impl Quantity {
    /// The largest quantity of one product in one order.
    pub const MAX: u32 = 999;

    /// The number of pieces.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = InvalidValue;

    fn try_from(pieces: i64) -> Result<Self, InvalidValue> {
        match u32::try_from(pieces) {
            Ok(pieces) if (1..=Self::MAX).contains(&pieces) => Ok(Self(pieces)),
            _ => Err(InvalidValue::new("must be a whole number from 1 to 999")),
        }
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_run_from_1_to_999() {
        assert!([1, 2, 999].map(Quantity::try_from).iter().all(Result::is_ok));
        assert!([0, -1, 1000, i64::MAX, i64::MIN].map(Quantity::try_from).iter().all(Result::is_err));
    }
}
