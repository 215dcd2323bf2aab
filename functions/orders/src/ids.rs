//! Identifiers and small numbers that are valid by construction: parsed once at the border, never checked again.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier. The message is fit for clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

/// Names a product: lower-case words of letters and digits joined by single hyphens, 1 to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProductId(String);

impl ProductId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProductId {
    type Error = InvalidId;

    fn try_from(id: String) -> Result<Self, InvalidId> {
        if is_slug(&id) {
            Ok(Self(id))
        } else {
            Err(InvalidId("must be a product id: 1 to 64 lower-case letters, digits and single hyphens"))
        }
    }
}

impl FromStr for ProductId {
    type Err = InvalidId;

    fn from_str(id: &str) -> Result<Self, InvalidId> {
        Self::try_from(id.to_owned())
    }
}

impl From<ProductId> for String {
    fn from(id: ProductId) -> Self {
        id.0
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is a slug: `^[a-z0-9]+(-[a-z0-9]+)*$`, at most 64 characters.
pub(crate) fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Names an order: a UUID in its hyphenated lower-case form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(Uuid);

/// Namespace of order ids that come from an Idempotency-Key. Never change it: it would break replays.
const ORDER_NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_4e0a_9b9d_4f6e_8f43_6d1d_0a7c_2b11);

impl OrderId {
    /// A new id for an order without an Idempotency-Key: a UUIDv7, so ids sort by creation.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of the order that `customer` (an e-mail address) creates under `key`: a UUIDv5, so that the same
    /// customer and key always name the same order and a replay costs no extra item.
    #[must_use]
    pub fn for_key(customer: &str, key: &IdempotencyKey) -> Self {
        // Neither part can hold a NUL, so no two pairs share a name.
        let name = format!("{customer}\0{}", key.as_str());
        Self(Uuid::new_v5(&ORDER_NAMESPACE, name.as_bytes()))
    }

    /// The id as 128 bits, for spreading orders over index shards.
    #[must_use]
    pub fn as_u128(&self) -> u128 {
        self.0.as_u128()
    }
}

impl Default for OrderId {
    fn default() -> Self {
        Self::new()
    }
}

impl FromStr for OrderId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let id = Uuid::try_parse(text).map(Self).map_err(|_| InvalidId("must be an order id: a UUID"))?;
        // Uuid reads braces, URNs and capitals too; an order has one name.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(InvalidId("must be a UUID in lower case with hyphens"))
        }
    }
}

impl TryFrom<String> for OrderId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// The value of the Idempotency-Key header: 1 to 255 visible ASCII characters, chosen by the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as the client wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidId;

    fn from_str(key: &str) -> Result<Self, InvalidId> {
        if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(key.to_owned()))
        } else {
            Err(InvalidId("must be 1 to 255 visible ASCII characters"))
        }
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
    type Error = InvalidId;

    fn try_from(pieces: i64) -> Result<Self, InvalidId> {
        match u32::try_from(pieces) {
            Ok(pieces) if (1..=Self::MAX).contains(&pieces) => Ok(Self(pieces)),
            _ => Err(InvalidId("must be a whole number from 1 to 999")),
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn product_ids_are_slugs() {
        for good in ["a", "desk-lamp", "usb-c-2m", &"x".repeat(64)] {
            assert!(good.parse::<ProductId>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a b", "a/b", "ä", "a\0", &"x".repeat(65)] {
            assert!(bad.parse::<ProductId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_order_has_one_name() {
        let id = OrderId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        for other in [id.to_string().to_uppercase(), format!("{{{id}}}"), id.to_string().replace('-', "")] {
            assert!(other.parse::<OrderId>().is_err(), "{other}");
        }
    }

    #[test]
    fn quantities_run_from_1_to_999() {
        assert!([1, 2, 999].map(Quantity::try_from).iter().all(Result::is_ok));
        assert!([0, -1, 1000, i64::MAX, i64::MIN].map(Quantity::try_from).iter().all(Result::is_err));
    }

    proptest! {
        #[test]
        fn a_key_names_one_order(a in "[!-~]{1,40}", b in "[!-~]{1,40}", customer in "[a-z]{1,8}@[a-z]{1,8}") {
            let id = |key: &str| OrderId::for_key(&customer, &key.parse().unwrap());
            prop_assert_eq!(id(&a), id(&a));
            prop_assert_eq!(id(&a) == id(&b), a == b);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,80}") {
            let _ = text.parse::<ProductId>();
            let _ = text.parse::<OrderId>();
            let _ = text.parse::<IdempotencyKey>();
        }
    }
}
