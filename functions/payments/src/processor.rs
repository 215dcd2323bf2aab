//! The payment processor: brings one order to its end, whatever happened before.

use std::time::Duration;

use catalog::Catalog;
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    config::{self, ConfigError},
};
use orders::OrderId;
use orders::{Due, Order, Orders, Status, TransitionOutcome};

use crate::{
    provider::{Charge, Charged, PaymentProvider, Refunded},
    record::{Outcome, Payments},
    settlement::{Settlement, Tables},
};

/// Time kept for settling after the provider has had its say.
const SETTLE_RESERVE: Duration = Duration::from_secs(5);

/// The tables and the provider that payments work with. Build it once, outside the handler.
#[derive(Debug)]
pub struct PaymentProcessor<P> {
    tables: Tables,
    provider: P,
    provider_timeout: Duration,
}

/// How one message left its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// Paid now.
    Confirmed,
    /// Not paid; the stock is given back now.
    Failed,
    /// It had ended before, and what it may have been charged is given back now.
    Refunded,
    /// It had ended before; its charge agrees with that.
    Before,
}

impl<P: PaymentProvider> PaymentProcessor<P> {
    /// A processor on the tables that the environment names. The provider gets `PAYMENT_TIMEOUT_MS` (default 2000) for each
    /// charge or refund, or what the function's time leaves.
    ///
    /// # Errors
    /// [`ConfigError`] for what is missing.
    pub fn from_env(aws: &Aws, provider: P) -> Result<Self, ConfigError> {
        let tables = Tables {
            catalog: Catalog::from_env(aws)?,
            orders: Orders::from_env(aws)?,
            payments: Payments::from_env(aws)?,
        };
        let provider_timeout = Duration::from_millis(config::parsed("PAYMENT_TIMEOUT_MS", 2000)?);
        Ok(Self { tables, provider, provider_timeout })
    }

    /// Charges a PENDING order and settles it. `attempts` counts how often this has been tried, this time included.
    ///
    /// Three round trips: read, charge, settle.
    ///
    /// # Errors
    /// When the order cannot be brought to its end now: try again.
    pub async fn pay(
        &self,
        order_id: OrderId,
        attempts: u32,
        deadline: Deadline,
    ) -> Result<PaymentOutcome, Error> {
        let order = self.order(order_id, deadline).await?;
        if order.status != Status::Pending {
            return self.reconcile(&order, deadline).await;
        }
        let charge = charge(&order);
        let charged = self
            .provider_deadline(deadline)
            .with_timeout("the payment provider", self.provider.charge(&charge))
            .await?;
        let settlement = match charged {
            Charged::Captured { reference } => Settlement {
                status: Status::Confirmed,
                outcome: Outcome::Captured,
                provider_reference: Some(reference),
                reason: None,
                attempts,
                due: None,
            },
            Charged::Declined { reason } => Settlement {
                status: Status::PaymentFailed,
                outcome: Outcome::Declined,
                provider_reference: None,
                reason: Some(reason),
                attempts,
                due: None,
            },
        };
        match self.tables.settle(&order, &settlement, deadline).await? {
            TransitionOutcome::Applied(order) if order.status == Status::Confirmed => {
                Ok(PaymentOutcome::Confirmed)
            }
            TransitionOutcome::Applied(_) => Ok(PaymentOutcome::Failed),
            // Somebody else ended the order while it was being charged.
            TransitionOutcome::Conflict(order) => self.reconcile(&order, deadline).await,
        }
    }

    /// Ends an order whose payment has failed too often: marks it `PAYMENT_FAILED` with its refund due, gives the stock
    /// back, and then refunds what may have been charged. In this order: once it is marked, nothing can confirm it any
    /// more, so a refund can never hit a CONFIRMED order.
    ///
    /// # Errors
    /// When the order cannot be brought to its end now: try again.
    pub async fn fail_order(
        &self,
        order_id: OrderId,
        attempts: u32,
        deadline: Deadline,
    ) -> Result<PaymentOutcome, Error> {
        let order = self.order(order_id, deadline).await?;
        if order.status != Status::Pending {
            return self.reconcile(&order, deadline).await;
        }
        let settlement = Settlement {
            status: Status::PaymentFailed,
            outcome: Outcome::Failed,
            provider_reference: None,
            reason: Some("payment_unavailable".to_owned()),
            attempts,
            due: Some(Due::Refund),
        };
        match self.tables.settle(&order, &settlement, deadline).await? {
            TransitionOutcome::Applied(order) => {
                self.refund(&order, deadline).await?;
                Ok(PaymentOutcome::Failed)
            }
            TransitionOutcome::Conflict(order) => self.reconcile(&order, deadline).await,
        }
    }

    async fn order(&self, order_id: OrderId, deadline: Deadline) -> Result<Order, Error> {
        let order = self.tables.orders.get(order_id, deadline).await?;
        order.ok_or_else(|| {
            Error::Internal(format!("a payment is asked for order {order_id}, which does not exist"))
        })
    }

    /// Makes the charge agree with an order that has ended: a refund that is due is made. Where none is due, the
    /// provider has said its last word: it captured, declined, refunded or voided.
    async fn reconcile(&self, order: &Order, deadline: Deadline) -> Result<PaymentOutcome, Error> {
        match order.due {
            None => Ok(PaymentOutcome::Before),
            Some(Due::Refund) => {
                self.refund(order, deadline).await?;
                Ok(PaymentOutcome::Refunded)
            }
            Some(Due::Payment) => Err(Error::Internal("a settlement lost to nobody".to_owned())),
        }
    }

    /// Refunds the order if it was charged, and voids its charge if it was not. Repeating it changes nothing.
    async fn refund(&self, order: &Order, deadline: Deadline) -> Result<(), Error> {
        let reference = self.tables.payments.reference(order.order_id, deadline).await?;
        let charge = charge(order);
        let refund = self.provider.refund(&charge, reference.as_deref());
        let refunded = self.provider_deadline(deadline).with_timeout("the payment provider", refund).await?;
        if refunded == Refunded::NotCharged && reference.is_some() {
            // The order is in the books as charged. Asking again would not change the answer; people have to look.
            tracing::error!(order_id = %order.order_id, "the provider does not know a charge that was captured");
        }
        self.tables.refunded(order, &refunded, deadline).await
    }

    fn provider_deadline(&self, deadline: Deadline) -> Deadline {
        Deadline::within(deadline.before(SETTLE_RESERVE).remaining().min(self.provider_timeout))
    }
}

fn charge(order: &Order) -> Charge<'_> {
    Charge { order_id: order.order_id, amount: order.total, token: &order.payment_method }
}
