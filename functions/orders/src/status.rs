//! The states of an order and the ways between them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `PENDING -> CONFIRMED | PAYMENT_FAILED | CANCELLED`, and `CONFIRMED -> CANCELLED`. What has failed or was cancelled
/// stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Stock is taken, payment is on its way.
    Pending,
    /// Paid.
    Confirmed,
    /// Not paid; the stock is given back.
    PaymentFailed,
    /// Called off; the stock is given back, and so is what was charged.
    Cancelled,
}

impl Status {
    /// The name in the API and the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::PaymentFailed => "PAYMENT_FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Whether the pieces of an order in this state are the customer's, and not for sale.
    #[must_use]
    pub fn holds_stock(self) -> bool {
        matches!(self, Self::Pending | Self::Confirmed)
    }

    /// Whether an order in this state may go to `next`.
    #[must_use]
    pub fn can_become(self, next: Self) -> bool {
        match self {
            Self::Pending => next != Self::Pending,
            Self::Confirmed => next == Self::Cancelled,
            Self::PaymentFailed | Self::Cancelled => false,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    const ALL: [Status; 4] = [Status::Pending, Status::Confirmed, Status::PaymentFailed, Status::Cancelled];

    #[test]
    fn names_are_the_same_everywhere() {
        for status in ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_an_order_ends_once_and_only_a_paid_one_can_still_be_cancelled(
            wishes in prop::collection::vec(select(ALL.to_vec()), 0..20),
        ) {
            let mut history = vec![Status::Pending];
            for wish in wishes {
                if history[history.len() - 1].can_become(wish) {
                    history.push(wish);
                }
            }
            use Status::{Cancelled, Confirmed, PaymentFailed, Pending};
            let lives: [&[Status]; 5] = [
                &[Pending],
                &[Pending, Confirmed],
                &[Pending, PaymentFailed],
                &[Pending, Cancelled],
                &[Pending, Confirmed, Cancelled],
            ];
            prop_assert!(lives.contains(&history.as_slice()), "{:?}", history);
        }
    }
}
