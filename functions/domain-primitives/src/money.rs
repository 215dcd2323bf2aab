//! Money: an integer number of minor units of one currency, never a float.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An ISO 4217 alphabetic code, three upper-case ASCII letters: `USD`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(code: String) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(MoneyError::Currency(code)),
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in minor units (cents for USD) of one currency: `{"amount": 1299, "currency": "USD"}`.
///
/// Amounts are at most [`Money::MAX_AMOUNT`], so that every JSON parser represents them exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Money {
    amount: u64,
    currency: Currency,
}

/// Why an amount of money is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three upper-case letters.
    #[error("{0:?} is not a currency: expected three upper-case letters, such as USD")]
    Currency(String),
    /// Beyond [`Money::MAX_AMOUNT`].
    #[error("an amount of money is larger than {} minor units", Money::MAX_AMOUNT)]
    TooLarge,
    /// Amounts of two currencies have no sum.
    #[error("cannot add {0:?} to {1:?}")]
    Mixed(Currency, Currency),
}

impl Money {
    /// The largest integer that every JSON reader holds exactly (RFC 8259, section 6): 2^53 - 1.
    pub const MAX_AMOUNT: u64 = (1 << 53) - 1;

    /// `amount` minor units of `currency`.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] beyond [`Money::MAX_AMOUNT`].
    pub fn new(amount: u64, currency: Currency) -> Result<Self, MoneyError> {
        if amount > Self::MAX_AMOUNT { Err(MoneyError::TooLarge) } else { Ok(Self { amount, currency }) }
    }

    /// Minor units.
    #[must_use]
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// The currency of the amount.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The price of `quantity` pieces.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] when the product leaves the range.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(u64::from(quantity)).ok_or(MoneyError::TooLarge)?;
        Self::new(amount, self.currency)
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] for two currencies, [`MoneyError::TooLarge`] when the sum leaves the range.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(other.currency, self.currency));
        }
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyError::TooLarge)?;
        Self::new(amount, self.currency)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    amount: u64,
    currency: Currency,
}

impl TryFrom<Unchecked> for Money {
    type Error = MoneyError;

    fn try_from(money: Unchecked) -> Result<Self, MoneyError> {
        Self::new(money.amount, money.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(amount: u64) -> Money {
        Money::new(amount, currency("USD")).unwrap()
    }

    fn currency(code: &str) -> Currency {
        Currency::try_from(code.to_owned()).unwrap()
    }

    #[test]
    fn reads_and_writes_the_documented_shape() {
        let json = r#"{"amount":1299,"currency":"USD"}"#;
        let money: Money = serde_json::from_str(json).unwrap();
        assert_eq!(money, usd(1299));
        assert_eq!(serde_json::to_string(&money).unwrap(), json);
    }

    #[test]
    fn refuses_floats_negatives_and_odd_currencies() {
        for json in [
            r#"{"amount":12.99,"currency":"USD"}"#,
            r#"{"amount":-1,"currency":"USD"}"#,
            r#"{"amount":1,"currency":"usd"}"#,
            r#"{"amount":1,"currency":"DOLLAR"}"#,
            r#"{"amount":9007199254740992,"currency":"USD"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn never_mixes_currencies() {
        let euros = Money::new(1, currency("EUR")).unwrap();
        assert_eq!(usd(1).plus(euros), Err(MoneyError::Mixed(currency("EUR"), currency("USD"))));
    }

    proptest! {
        #[test]
        fn times_is_repeated_plus(amount in 0u64..10_000_000, quantity in 1u32..200) {
            let mut sum = usd(0);
            for _ in 0..quantity {
                sum = sum.plus(usd(amount)).unwrap();
            }
            prop_assert_eq!(sum, usd(amount).times(quantity).unwrap());
        }

        #[test]
        fn never_leaves_the_exact_range(a in 0..=Money::MAX_AMOUNT, b in 0..=Money::MAX_AMOUNT, quantity: u32) {
            for result in [usd(a).plus(usd(b)), usd(a).times(quantity)] {
                match result {
                    Ok(money) => prop_assert!(money.amount() <= Money::MAX_AMOUNT),
                    Err(error) => prop_assert_eq!(error, MoneyError::TooLarge),
                }
            }
        }
    }
}
