//! The payment methods that the simulated providers know: Stripe's test cards
//! (<https://docs.stripe.com/testing?testing-method=tokens>), as tokens and as payment methods, and some of our own for what
//! providers do rarely.
//!
//! | payment method | what happens |
//! |---|---|
//! | `tok_visa`, `tok_mastercard`, `tok_amex`, `tok_bypassPending`, and the same with `pm_card_` | captured |
//! | `tok_declined`, `tok_chargeDeclined`, `tok_visa_chargeDeclined`, `pm_card_...` | declined: `generic_decline` |
//! | `tok_insufficient_funds`, `tok_chargeDeclinedInsufficientFunds`, `tok_visa_...`, `pm_card_...` | declined: `insufficient_funds` |
//! | `tok_chargeDeclinedStolenCard`, `tok_visa_...`, `pm_card_...` | declined: `stolen_card` |
//! | `tok_refund_refused` | captured; every refund is refused for good: `charge_disputed` |
//! | `tok_flaky` | unavailable twice, then captured |
//! | `tok_late` | captured three seconds later, even if the client has left |
//! | `tok_unavailable` | never responds |
//! | `tok_used` | no intent is created: `token_already_used` |
//! | any other | no intent is created: `resource_missing` |

/// What happens to an intent with a payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestCard {
    /// It is captured.
    Captured,
    /// It is declined with this decline code.
    Declined(&'static str),
    /// It is captured, and its refund is refused for good.
    RefundRefused,
    /// Its first two confirmations fail.
    Flaky,
    /// It is captured seconds later.
    Late,
    /// Its confirmation gets no response.
    Unavailable,
    /// The token was used before.
    Used,
}

impl TestCard {
    /// The test card behind a payment method; none for a payment method that does not exist.
    #[must_use]
    pub fn of(payment_method: &str) -> Option<Self> {
        match payment_method {
            "tok_declined" => return Some(Self::Declined("generic_decline")),
            "tok_insufficient_funds" => return Some(Self::Declined("insufficient_funds")),
            "tok_refund_refused" => return Some(Self::RefundRefused),
            "tok_flaky" => return Some(Self::Flaky),
            "tok_late" => return Some(Self::Late),
            "tok_unavailable" => return Some(Self::Unavailable),
            "tok_used" => return Some(Self::Used),
            _ => {}
        }
        let name = payment_method.strip_prefix("tok_").or_else(|| payment_method.strip_prefix("pm_card_"))?;
        match name {
            "visa" | "mastercard" | "amex" | "bypassPending" => Some(Self::Captured),
            _ => match name.strip_prefix("visa_").unwrap_or(name) {
                "chargeDeclined" => Some(Self::Declined("generic_decline")),
                "chargeDeclinedInsufficientFunds" => Some(Self::Declined("insufficient_funds")),
                "chargeDeclinedStolenCard" => Some(Self::Declined("stolen_card")),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_test_cards_are_known_as_tokens_and_as_payment_methods() {
        for (payment_method, card) in [
            ("tok_visa", TestCard::Captured),
            ("pm_card_visa", TestCard::Captured),
            ("tok_bypassPending", TestCard::Captured),
            ("tok_chargeDeclined", TestCard::Declined("generic_decline")),
            ("pm_card_chargeDeclined", TestCard::Declined("generic_decline")),
            ("pm_card_visa_chargeDeclinedInsufficientFunds", TestCard::Declined("insufficient_funds")),
            ("tok_chargeDeclinedStolenCard", TestCard::Declined("stolen_card")),
            ("pm_card_visa_chargeDeclinedStolenCard", TestCard::Declined("stolen_card")),
        ] {
            assert_eq!(TestCard::of(payment_method), Some(card), "{payment_method}");
        }
        for unknown in ["", "visa", "pm_visa", "tok_Visa", "tok_", "pm_card_declined", "tok_chargedeclined"] {
            assert_eq!(TestCard::of(unknown), None, "{unknown}");
        }
    }
}
