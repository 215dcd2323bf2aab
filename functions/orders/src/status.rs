//! The states of an order and the ways between them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `PENDING -> CONFIRMED | PAYMENT_FAILED | CANCELLED`; the last three are the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Stock is taken, payment is on its way.
    Pending,
    /// Paid.
    Confirmed,
    /// Not paid; the stock is given back.
    PaymentFailed,
    /// Called off; the stock is given back.
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

    /// Whether an order in this state may go to `next`.
    #[must_use]
    pub fn can_become(self, next: Self) -> bool {
        self == Self::Pending && next != Self::Pending
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
        fn whatever_is_asked_an_order_ends_at_most_once(wishes in prop::collection::vec(select(ALL.to_vec()), 0..20)) {
            let mut state = Status::Pending;
            let mut moves = 0;
            for wish in wishes {
                if state.can_become(wish) {
                    state = wish;
                    moves += 1;
                }
            }
            prop_assert!(moves <= 1);
            prop_assert_eq!(moves == 0, state == Status::Pending);
        }
    }
}
