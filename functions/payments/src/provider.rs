//! Payment providers: they move the money.
//!
//! The steps are separate so that the shop can store what it knows between them. A charge is `create`, store the intent's
//! id, `confirm`; undoing one is `void`, and `refund` if the intent was captured before. Each step may be repeated.
//!
//! An error is no verdict: the step may have happened or not. A refusal is one, and a retry would get it again.

use std::future::Future;

use domain_primitives::Money;
use lambda_kit::Error;
use orders::OrderId;

/// A payment provider.
pub trait PaymentProvider {
    /// Creates the payment intent of an order. No money moves. Repeating it returns the same intent while the provider
    /// keeps idempotency keys (Stripe: at least 24 hours), and another one afterwards.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown. [`Error::Internal`] when the fault is ours: a wrong key, or
    /// another charge under the same idempotency key.
    fn create(&self, charge: &Charge<'_>) -> impl Future<Output = Result<Created, Error>> + Send;

    /// Charges an intent, once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown: the order may or may not have been charged.
    /// [`Error::Internal`] when the fault is ours.
    fn confirm(&self, order_id: OrderId, intent: &str)
    -> impl Future<Output = Result<Charged, Error>> + Send;

    /// Cancels an intent so that it can never be charged, unless it was charged before: question and verdict in one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown, also while a charge is in progress. [`Error::Internal`] when the
    /// fault is ours.
    fn void(&self, intent: &str) -> impl Future<Output = Result<Voided, Error>> + Send;

    /// Refunds a captured intent, once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the outcome is unknown. [`Error::Internal`] when the fault is ours.
    fn refund(&self, order_id: OrderId, intent: &str)
    -> impl Future<Output = Result<Refunded, Error>> + Send;
}

/// A charge to make.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// The idempotency key: an order has one intent.
    pub order_id: OrderId,
    /// The amount.
    pub amount: Money,
    /// The payment method that the customer gave: a token (`tok_...`) or a payment method's id (`pm_...`).
    pub token: &'a str,
}

/// The result of creating a payment intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The id of the intent.
    Intent(String),
    /// There is no intent, and a retry would not change that: an unknown token, an amount too large.
    Refused {
        /// The provider's reason, such as `resource_missing`.
        reason: String,
    },
}

/// The result of charging an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charged {
    /// The money is captured.
    Captured,
    /// The charge is refused, and a retry would not change that.
    Declined {
        /// The provider's reason: the bank's word where there is one (`stolen_card`), or [`VOIDED`]. Not for the client.
        reason: String,
    },
}

/// The reason of a decline when the intent was voided before.
pub const VOIDED: &str = "voided";

/// The result of voiding an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voided {
    /// It is not charged, and never will be.
    NotCharged,
    /// It was captured before. Only a refund undoes that.
    Captured,
    /// The provider refuses, and a retry would not change that.
    Refused {
        /// The provider's reason.
        reason: String,
    },
}

/// The result of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refunded {
    /// The money is refunded, now or before, or on its way.
    GivenBack {
        /// The provider's reference to the refund; the intent's id if the refund was found to be made before.
        reference: String,
    },
    /// The provider refuses, and a retry would not change that: a disputed charge, for instance. It waits for people.
    Refused {
        /// The provider's reason.
        reason: String,
    },
}
