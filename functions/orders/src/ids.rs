//! Order ids and idempotency keys. They are valid by construction: parsed once, where they are received.

use std::{fmt, str::FromStr};

use domain_primitives::InvalidValue;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Identifies an order: a UUID in its hyphenated lower-case form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(Uuid);

/// Namespace of order ids that are derived from an Idempotency-Key. Never change it: it would break replays.
const ORDER_NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_4e0a_9b9d_4f6e_8f43_6d1d_0a7c_2b11);

impl OrderId {
    /// A new id for an order without an Idempotency-Key: a UUIDv7, so ids sort by creation.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of the order that `customer` (an e-mail address) creates with `key`: a UUIDv5, so that the same customer and
    /// key always identify the same order, and a replay needs no extra item.
    #[must_use]
    pub fn for_key(customer: &str, key: &IdempotencyKey) -> Self {
        // Neither part can contain a NUL, so no two pairs have the same name.
        let name = format!("{customer}\0{}", key.as_str());
        Self(Uuid::new_v5(&ORDER_NAMESPACE, name.as_bytes()))
    }

    /// The id as 128 bits, to distribute orders over index shards.
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
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let id =
            Uuid::try_parse(text).map(Self).map_err(|_| InvalidValue::new("must be an order id: a UUID"))?;
        // Uuid accepts braces, URNs and capitals, too; an order has one id.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(InvalidValue::new("must be a UUID in lower case with hyphens"))
        }
    }
}

impl TryFrom<String> for OrderId {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
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
    type Err = InvalidValue;

    fn from_str(key: &str) -> Result<Self, InvalidValue> {
        if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(key.to_owned()))
        } else {
            Err(InvalidValue::new("must be 1 to 255 visible ASCII characters"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_order_id_has_one_spelling() {
        let id = OrderId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        for other in [id.to_string().to_uppercase(), format!("{{{id}}}"), id.to_string().replace('-', "")] {
            assert!(other.parse::<OrderId>().is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_key_identifies_one_order(a in "[!-~]{1,40}", b in "[!-~]{1,40}", customer in "[a-z]{1,8}@[a-z]{1,8}") {
            let id = |key: &str| OrderId::for_key(&customer, &key.parse().unwrap());
            prop_assert_eq!(id(&a), id(&a));
            prop_assert_eq!(id(&a) == id(&b), a == b);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,80}") {
            let _ = text.parse::<OrderId>();
            let _ = text.parse::<IdempotencyKey>();
        }
    }
}
