//! Who moves the money.

use std::future::Future;

use shared::{Error, Money, OrderId};

/// A payment provider. Both calls are idempotent under the order's id: repeating one changes nothing and answers as
/// the first did.
pub trait PaymentProvider {
    /// Charges an order, or finds out that it was charged or declined before.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown: the order may or may not have been charged. Ask again.
    fn charge(&self, charge: &Charge<'_>) -> impl Future<Output = Result<Charged, Error>> + Send;

    /// Gives back what an order was charged: the refund's reference, or `None` when it was not charged.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown. Ask again.
    fn refund(&self, order_id: OrderId) -> impl Future<Output = Result<Option<String>, Error>> + Send;
}

/// What is to be charged.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// The idempotency key: an order is charged once.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// The payment token that the customer gave.
    pub token: &'a str,
}

/// The provider's answer to a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charged {
    /// The money is captured.
    Captured {
        /// The provider's name for the charge.
        reference: String,
    },
    /// The money is refused for good.
    Declined {
        /// The provider's reason: `card_declined`, `insufficient_funds`.
        reason: String,
    },
}
