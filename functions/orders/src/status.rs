//! The status of an order, and the transitions between its values.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `PENDING -> CONFIRMED | PAYMENT_FAILED | CANCELLED`, and `CONFIRMED -> CANCELLED`. `PAYMENT_FAILED` and `CANCELLED` are
/// final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The stock is taken, and the payment is due.
    Pending,
    /// Paid.
    Confirmed,
    /// Not paid; the stock is returned.
    PaymentFailed,
    /// Cancelled; the stock is returned, and a charge is refunded.
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

    /// Whether an order with this status holds its pieces, so that they are not for sale.
    #[must_use]
    pub fn holds_stock(self) -> bool {
        matches!(self, Self::Pending | Self::Confirmed)
    }

    /// Whether `next` may follow this status.
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
            targets in prop::collection::vec(select(ALL.to_vec()), 0..20),
        ) {
            let mut history = vec![Status::Pending];
            for target in targets {
                if history[history.len() - 1].can_become(target) {
                    history.push(target);
                }
            }
            use Status::{Cancelled, Confirmed, PaymentFailed, Pending};
            let histories: [&[Status]; 5] = [
                &[Pending],
                &[Pending, Confirmed],
                &[Pending, PaymentFailed],
                &[Pending, Cancelled],
                &[Pending, Confirmed, Cancelled],
            ];
            prop_assert!(histories.contains(&history.as_slice()), "{:?}", history);
        }
    }
}
