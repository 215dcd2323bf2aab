//! Payment providers: they move the money.

use std::future::Future;

use domain_primitives::Money;
use lambda_kit::Error;
use orders::OrderId;

/// A payment provider. The order's id is the idempotency key of both calls: a repeated call changes nothing and returns the
/// same result.
pub trait PaymentProvider {
    /// Charges an order, or returns the result of an earlier charge.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown: the order may or may not have been charged. Retry.
    fn charge(&self, charge: &Charge<'_>) -> impl Future<Output = Result<Charged, Error>> + Send;

    /// Refunds an order. If it was not charged, voids its charge: a charge that arrives later, because it was delayed for
    /// instance, is refused. `reference` is the provider's reference to the charge, where it is known.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown. Retry.
    fn refund(
        &self,
        charge: &Charge<'_>,
        reference: Option<&str>,
    ) -> impl Future<Output = Result<Refunded, Error>> + Send;
}

/// A charge to make.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// The idempotency key: an order is charged once.
    pub order_id: OrderId,
    /// The amount.
    pub amount: Money,
    /// The payment token that the customer gave.
    pub token: &'a str,
}

/// The result of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charged {
    /// The money is captured.
    Captured {
        /// The provider's reference to the charge.
        reference: String,
    },
    /// The charge is refused, and a retry would not change that.
    Declined {
        /// The provider's reason: `card_declined`, `insufficient_funds`, or [`VOIDED`].
        reason: String,
    },
}

/// The reason of a decline when the charge was voided by a refund before.
pub const VOIDED: &str = "voided";

/// The result of a refund. In both cases, the order is not charged any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refunded {
    /// The money is refunded.
    GivenBack {
        /// The provider's reference to the refund.
        reference: String,
    },
    /// There was no charge to refund.
    NotCharged,
}
