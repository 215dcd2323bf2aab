//! Order ids and idempotency keys. They are valid by construction: parsed once, where they are received.

use std::{fmt, str::FromStr};

use domain_primitives::InvalidValue;
use lambda_kit::config::{self, ConfigError};
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

/// Identifies an order: a UUID in its hyphenated lower-case form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(Uuid);

/// The secret that the ids of orders with an Idempotency-Key are derived with, so that nobody else can compute them.
#[derive(Clone, Debug)]
pub struct OrderIdSecret(hmac::Key);

/// As many random characters of base64 hold 192 bits.
const MIN_SECRET_LENGTH: usize = 32;

impl OrderIdSecret {
    /// The secret in `ORDER_ID_SECRET`.
    ///
    /// # Errors
    /// [`ConfigError`] when there is none, or one of fewer than 32 characters.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self::new(config::secret("ORDER_ID_SECRET", MIN_SECRET_LENGTH)?.expose()))
    }

    /// The secret `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()))
    }
}

impl OrderId {
    /// A new id for an order without an Idempotency-Key: a UUIDv4, whose 122 bits come from the operating system's random
    /// source.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id of the order that `customer` (an e-mail address) creates with `key`: the same for the same customer and key,
    /// so that a replay needs no extra item, and not to be computed without the secret, because whoever knows an order's id
    /// may read and cancel it. A UUIDv8 of 122 bits of an HMAC (docs/decisions/0013).
    #[must_use]
    pub fn for_key(secret: &OrderIdSecret, customer: &str, key: &IdempotencyKey) -> Self {
        // Neither part can contain a NUL, so no two pairs are the same text.
        let tag = hmac::sign(&secret.0, format!("{customer}\0{}", key.as_str()).as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&tag.as_ref()[..16]);
        Self(Builder::from_custom_bytes(bytes).into_uuid())
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

/// The value of the Idempotency-Key header: 16 to 255 visible ASCII characters except commas, chosen by the client.
///
/// API Gateway joins two headers of one name with a comma: such a key is one that the client did not choose.
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
        if (16..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
        {
            Ok(Self(key.to_owned()))
        } else {
            Err(InvalidValue::new("must be 16 to 255 visible ASCII characters, without a comma"))
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

    const CUSTOMER: &str = "ada@example.com";
    const KEY: &str = "e7c1b0f2-4d3a-4f7e-9a55-0c6b8d2f1e43";

    fn id(secret: &str, customer: &str, key: &str) -> OrderId {
        OrderId::for_key(&OrderIdSecret::new(secret), customer, &key.parse().unwrap())
    }

    /// Python: `hmac.digest(b"0123456789abcdef0123456789abcdef", b"ada@example.com\0" + KEY, "sha256")[:16]`, and the bits
    /// of version 8.
    #[test]
    fn an_id_is_an_hmac_of_customer_and_key() {
        let id = id("0123456789abcdef0123456789abcdef", CUSTOMER, KEY);
        assert_eq!(id.to_string(), "3568acf1-4f43-8dea-ab5e-6571657da520");
    }

    #[test]
    fn another_secret_gives_another_id() {
        let (one, other) = ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdeg");
        assert_eq!(id(one, CUSTOMER, KEY), id(one, CUSTOMER, KEY));
        assert_ne!(id(one, CUSTOMER, KEY), id(other, CUSTOMER, KEY));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", OrderIdSecret::new("0123456789abcdef0123456789abcdef"));
        assert!(!shown.contains("0123"), "{shown}");
    }

    #[test]
    fn a_key_has_16_to_255_visible_characters_and_no_comma() {
        for good in [KEY, "0123456789abcde!", &"k".repeat(255)] {
            assert!(good.parse::<IdempotencyKey>().is_ok(), "{good}");
        }
        let two_headers = format!("{KEY},{KEY}");
        for bad in [
            "",
            "1",
            "0123456789abcde",
            "0123456789 abcdef",
            "0123456789abcdéf",
            &two_headers,
            &"k".repeat(256),
        ] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_key_identifies_one_order(
            a in "[!-+--~]{16,40}",
            b in "[!-+--~]{16,40}",
            customer in "[a-z]{1,8}@[a-z]{1,8}",
        ) {
            let id = |key: &str| id("0123456789abcdef0123456789abcdef", &customer, key);
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
