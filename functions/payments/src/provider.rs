//! Who moves the money.

use std::future::Future;

use domain_primitives::Money;
use lambda_kit::Error;
use orders::OrderId;

/// A payment provider. Both calls are idempotent under the order's id: repeating one changes nothing and answers as
/// the first did.
pub trait PaymentProvider {
    /// Charges an order, or finds out that it was charged or declined before.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown: the order may or may not have been charged. Ask again.
    fn charge(&self, charge: &Charge<'_>) -> impl Future<Output = Result<Charged, Error>> + Send;

    /// Gives back what an order was charged, or, if it was not, sees to it that it never is: a charge that comes later,
    /// one that was held up on its way for instance, is refused. `reference` is the provider's name for the charge,
    /// where it is known.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown. Ask again.
    fn refund(
        &self,
        charge: &Charge<'_>,
        reference: Option<&str>,
    ) -> impl Future<Output = Result<Refunded, Error>> + Send;
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
        /// The provider's reason: `card_declined`, `insufficient_funds`, or [`VOIDED`].
        reason: String,
    },
}

/// The reason for which a charge is refused whose order had to be refunded before.
pub const VOIDED: &str = "voided";

/// The provider's answer to a refund. Either way, the order stays uncharged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refunded {
    /// The money is given back.
    GivenBack {
        /// The provider's name for the refund.
        reference: String,
    },
    /// There was nothing to give back.
    NotCharged,
}
