//! The payment processor: charges an order, fails it, or reconciles its charge with its final status.

use std::time::Duration;

use catalog::Catalog;
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    config::{self, ConfigError},
};
use orders::{Due, Order, OrderId, Orders, Status, TransitionOutcome};

use crate::{
    provider::{Charge, Charged, Created, PaymentProvider, Refunded, Voided},
    record::{Payments, RecordedOutcome},
    settlement::{Settlement, Tables},
};

/// Time for writing the settlement after the provider's response.
const SETTLEMENT_RESERVE: Duration = Duration::from_secs(5);

/// Processes the payment of one order at a time. Build it once, outside the handler.
#[derive(Debug)]
pub struct PaymentProcessor<P> {
    tables: Tables,
    provider: P,
    provider_timeout: Duration,
}

/// The outcome of one payment request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// The order is paid now.
    Confirmed,
    /// The order is not paid, and its stock is returned now.
    Failed,
    /// The order had ended before; what it may have been charged is refunded now.
    Refunded,
    /// The order had ended before, and nothing was due.
    AlreadyEnded,
}

impl<P: PaymentProvider> PaymentProcessor<P> {
    /// A processor for the tables that the environment names. Each charge or refund may take `PAYMENT_TIMEOUT_MS` (default
    /// 2000), or less if the deadline is near.
    ///
    /// # Errors
    /// [`ConfigError`] for a missing variable or an unreadable one.
    pub fn from_env(aws: &Aws, provider: P) -> Result<Self, ConfigError> {
        let tables = Tables {
            catalog: Catalog::from_env(aws)?,
            orders: Orders::from_env(aws)?,
            payments: Payments::from_env(aws)?,
        };
        let provider_timeout = Duration::from_millis(config::parsed("PAYMENT_TIMEOUT_MS", 2000)?);
        Ok(Self { tables, provider, provider_timeout })
    }

    /// Charges a PENDING order and settles it. `attempts` is the number of attempts, this one included.
    ///
    /// It takes three round trips: read, charge, settle.
    ///
    /// # Errors
    /// When the order cannot be settled now; a retry may succeed.
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
        let call = self.charge(&order);
        let charged = self.provider_deadline(deadline).with_timeout("the payment provider", call).await?;
        let settlement = match charged {
            (intent, Charged::Captured) => Settlement {
                status: Status::Confirmed,
                outcome: RecordedOutcome::Captured,
                provider_reference: intent,
                reason: None,
                attempts,
                due: None,
            },
            (_, Charged::Declined { reason }) => Settlement {
                status: Status::PaymentFailed,
                outcome: RecordedOutcome::Declined,
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
            // Another function ended the order while it was being charged.
            TransitionOutcome::Conflict(order) => self.reconcile(&order, deadline).await,
        }
    }

    /// Ends an order whose payment has failed too often: marks it `PAYMENT_FAILED` with its refund due and returns the stock,
    /// and then refunds what may have been charged. The order of these steps matters: a marked order cannot be confirmed any
    /// more, so no CONFIRMED order is ever refunded.
    ///
    /// # Errors
    /// When the order cannot be settled now; a retry may succeed.
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
            outcome: RecordedOutcome::Failed,
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
            Error::Internal(format!("a payment is requested for order {order_id}, which does not exist"))
        })
    }

    /// Reconciles the charge with an order that has ended: makes the refund if it is due. If none is due, the charge is
    /// already in its final state: captured, declined, refunded or voided.
    async fn reconcile(&self, order: &Order, deadline: Deadline) -> Result<PaymentOutcome, Error> {
        match order.due {
            None => Ok(PaymentOutcome::AlreadyEnded),
            Some(Due::Refund) => {
                self.refund(order, deadline).await?;
                Ok(PaymentOutcome::Refunded)
            }
            Some(Due::Payment) => Err(Error::Internal(
                "a settlement conflicts with an order whose payment is still due".to_owned(),
            )),
        }
    }

    /// Creates the order's payment intent and charges it. Returns the intent, unless its creation is refused.
    async fn charge(&self, order: &Order) -> Result<(Option<String>, Charged), Error> {
        match self.provider.create(&charge(order)).await? {
            Created::Refused { reason } => Ok((None, Charged::Declined { reason })),
            Created::Intent(intent) => {
                let charged = self.provider.confirm(order.order_id, &intent).await?;
                Ok((Some(intent), charged))
            }
        }
    }

    /// Refunds the order if it was charged, and voids its charge if it was not. Repeating it changes nothing.
    async fn refund(&self, order: &Order, deadline: Deadline) -> Result<(), Error> {
        let reference = self.tables.payments.reference(order.order_id, deadline).await?;
        let refund = self.refund_or_void(order, reference);
        let refunded = self.provider_deadline(deadline).with_timeout("the payment provider", refund).await?;
        self.tables.record_refund(order, refunded.as_deref(), deadline).await
    }

    /// Returns the reference to the refund, unless nothing was charged.
    async fn refund_or_void(
        &self,
        order: &Order,
        reference: Option<String>,
    ) -> Result<Option<String>, Error> {
        let refused =
            |reason: String| Error::Internal(format!("the payment provider refuses to refund: {reason}"));
        let intent = match reference {
            Some(intent) => intent,
            None => match self.provider.create(&charge(order)).await? {
                // Nothing can be charged, now or later.
                Created::Refused { .. } => return Ok(None),
                Created::Intent(intent) => match self.provider.void(&intent).await? {
                    Voided::NotCharged => return Ok(None),
                    Voided::Captured => intent,
                    Voided::Refused { reason } => return Err(refused(reason)),
                },
            },
        };
        match self.provider.refund(order.order_id, &intent).await? {
            Refunded::GivenBack { reference } => Ok(Some(reference)),
            Refunded::Refused { reason } => Err(refused(reason)),
        }
    }

    fn provider_deadline(&self, deadline: Deadline) -> Deadline {
        Deadline::within(deadline.before(SETTLEMENT_RESERVE).remaining().min(self.provider_timeout))
    }
}

fn charge(order: &Order) -> Charge<'_> {
    Charge { order_id: order.order_id, amount: order.total, token: &order.payment_method }
}
