//! The payment processor: charges an order, gives it up, or reconciles its charge with its final status.

use std::{future::Future, time::Duration};

use catalog::Catalog;
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    config::{self, ConfigError},
};
use orders::{Due, Order, OrderId, Orders, Status, TransitionOutcome};

use crate::{
    pacer::Pacer,
    provider::{Charge, Charged, Created, PaymentProvider, Refunded, Voided},
    record::{Payments, Reconciled},
    settlement::{Settlement, Tables},
};

/// Time for writing the settlement after the provider's response.
const SETTLEMENT_RESERVE: Duration = Duration::from_secs(5);
/// How many receives of its message a refund is retried at once, within some two minutes. After that, the sweep requests it.
const QUICK_REFUND_ATTEMPTS: u32 = 8;
/// How long a refund is requested that the provider neither makes nor refuses. After that, it waits for people.
const REFUND_MAX_AGE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Processes the payment of one order at a time. Build it once, outside the handler.
#[derive(Debug)]
pub struct PaymentProcessor<P> {
    tables: Tables,
    provider: P,
    pacer: Pacer,
    provider_timeout: Duration,
    max_age: Duration,
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
    /// The order had ended before, and the provider refuses its refund for good: people have to look at it.
    RefundRefused,
    /// The order had ended before, and the provider does not make its refund now: the sweep requests it again.
    RefundPostponed,
    /// The order had ended before, and nothing was due.
    AlreadyEnded,
    /// There is no such order, and there never will be.
    UnknownOrder,
}

/// How an attempt to charge an order went.
enum Attempt {
    /// The provider has decided. The reference to the charge, if there is one.
    Decided(Charged, Option<String>),
    /// Another function ended the order first; nothing was charged in this attempt.
    Ended(Box<Order>),
}

impl<P: PaymentProvider> PaymentProcessor<P> {
    /// A processor for the tables that the environment names. Each call to the provider may take `PAYMENT_TIMEOUT_MS` (default
    /// 2000), or less if the deadline is near. A payment without a verdict is given up when its order is older than
    /// `PAYMENT_MAX_AGE_SECONDS` (default 1800).
    ///
    /// # Errors
    /// [`ConfigError`] for a missing variable or an unreadable one.
    pub fn from_env(aws: &Aws, provider: P) -> Result<Self, ConfigError> {
        let tables = Tables {
            catalog: Catalog::from_env(aws)?,
            orders: Orders::from_env(aws)?,
            payments: Payments::from_env()?,
        };
        let provider_timeout = provider_timeout()?;
        let max_age = Duration::from_secs(config::parsed("PAYMENT_MAX_AGE_SECONDS", 1800)?);
        Ok(Self { tables, provider, pacer: Pacer::from_env()?, provider_timeout, max_age })
    }

    /// Charges a PENDING order and settles it. `attempts` is the number of receives of its message, this one included.
    ///
    /// It takes five round trips: read, create the intent, store its id, confirm it, settle; three if the order has its intent.
    ///
    /// # Errors
    /// When the order cannot be settled now; a retry may succeed. The provider's silence is no verdict, but an order that is
    /// too old for another attempt is given up.
    pub async fn pay(
        &self,
        order_id: OrderId,
        attempts: u32,
        deadline: Deadline,
    ) -> Result<PaymentOutcome, Error> {
        let Some(order) = self.tables.orders.get(order_id, deadline).await? else {
            return Ok(PaymentOutcome::UnknownOrder);
        };
        if order.status != Status::Pending {
            return self.reconcile(&order, attempts, deadline).await;
        }
        match self.charge(&order, deadline).await {
            Ok(Attempt::Decided(charged, reference)) => {
                let settlement = Settlement::decided(charged, reference, attempts);
                self.settle(&order, &settlement, attempts, deadline).await
            }
            Ok(Attempt::Ended(order)) => self.reconcile(&order, attempts, deadline).await,
            Err(error) if order.created_at.age() >= self.max_age => {
                tracing::warn!(%order_id, %error, "the last attempt to charge an order");
                self.give_up_if_old(order_id, attempts, deadline).await
            }
            Err(error) => Err(error),
        }
    }

    /// Ends a PENDING order that is too old for another attempt, after one last question: its payment intent is cancelled,
    /// unless it was captured, and then the order is CONFIRMED. If the provider does not answer, or nobody knows of an
    /// intent, the order becomes `PAYMENT_FAILED` with its refund due. A marked order cannot be charged any more, so nothing
    /// that is captured later is forgotten.
    ///
    /// # Errors
    /// [`Error::Unavailable`] for an order that is not old enough yet, and whenever the order cannot be settled now.
    pub async fn give_up_if_old(
        &self,
        order_id: OrderId,
        attempts: u32,
        deadline: Deadline,
    ) -> Result<PaymentOutcome, Error> {
        let Some(order) = self.tables.orders.get(order_id, deadline).await? else {
            return Ok(PaymentOutcome::UnknownOrder);
        };
        if order.status != Status::Pending {
            return self.reconcile(&order, attempts, deadline).await;
        }
        let left = self.max_age.saturating_sub(order.created_at.age());
        if !left.is_zero() {
            let detail = "no verdict yet, and the order is too young to give up";
            return Err(Error::unavailable("the payment provider", detail).with_retry_after(Some(left)));
        }
        let settlement = match self.last_question(&order, deadline).await {
            Some(Voided::Captured) => {
                Settlement::decided(Charged::Captured, order.payment_intent.clone(), attempts)
            }
            Some(Voided::NotCharged) => Settlement::given_up(None, attempts),
            Some(Voided::Refused { .. }) | None => Settlement::given_up(Some(Due::Refund), attempts),
        };
        self.settle(&order, &settlement, attempts, deadline).await
    }

    /// Whether the order was charged; it never will be after this answer. `None` when that is not known.
    async fn last_question(&self, order: &Order, deadline: Deadline) -> Option<Voided> {
        let intent = order.payment_intent.as_deref()?;
        let answer = self.call(self.provider.void(intent), deadline).await;
        answer
            .inspect_err(
                |error| tracing::warn!(order_id = %order.order_id, %error, "no answer to the last question"),
            )
            .ok()
    }

    /// Charges the order: creates its payment intent if it has none, stores the intent's id, and confirms it. In this order,
    /// so that whoever ends the order knows of every intent that can be captured.
    async fn charge(&self, order: &Order, deadline: Deadline) -> Result<Attempt, Error> {
        let intent = match &order.payment_intent {
            Some(intent) => intent.clone(),
            None => match self.call(self.provider.create(&charge(order)), deadline).await? {
                Created::Refused { reason } => {
                    return Ok(Attempt::Decided(Charged::Declined { reason }, None));
                }
                Created::Intent(intent) => {
                    match self.tables.orders.store_intent(order, &intent, deadline).await? {
                        TransitionOutcome::Applied(_) => intent,
                        TransitionOutcome::Conflict(stored) => match stored.payment_intent {
                            // Another delivery was first, or the response to an earlier write was lost.
                            Some(intent) if stored.status == Status::Pending => intent,
                            _ => return Ok(Attempt::Ended(stored)),
                        },
                    }
                }
            },
        };
        let charged = self.call(self.provider.confirm(order.order_id, &intent), deadline).await?;
        Ok(Attempt::Decided(charged, Some(intent)))
    }

    async fn settle(
        &self,
        order: &Order,
        settlement: &Settlement,
        attempts: u32,
        deadline: Deadline,
    ) -> Result<PaymentOutcome, Error> {
        match self.tables.settle(order, settlement, deadline).await? {
            TransitionOutcome::Applied(order) if order.status == Status::Confirmed => {
                Ok(PaymentOutcome::Confirmed)
            }
            TransitionOutcome::Applied(order) if order.due.is_none() => Ok(PaymentOutcome::Failed),
            TransitionOutcome::Applied(order) => {
                // Until it ended, another function may have stored an intent. From now on, none can.
                let order = self.tables.orders.get(order.order_id, deadline).await?.unwrap_or(*order);
                self.reconcile(&order, attempts, deadline).await.map(|_| PaymentOutcome::Failed)
            }
            // Another function ended the order while it was being charged.
            TransitionOutcome::Conflict(order) => self.reconcile(&order, attempts, deadline).await,
        }
    }

    /// Reconciles the charge with an order that has ended: makes the refund if it is due. If none is due, the charge is
    /// already in its final state: captured, declined, refunded or voided, or people look after it.
    async fn reconcile(
        &self,
        order: &Order,
        attempts: u32,
        deadline: Deadline,
    ) -> Result<PaymentOutcome, Error> {
        match order.due {
            None => Ok(PaymentOutcome::AlreadyEnded),
            Some(Due::Payment) => Err(Error::Internal("an ended order has a payment due".to_owned())),
            Some(Due::Refund) => self.refund(order, attempts, deadline).await,
        }
    }

    /// Refunds the order if it was charged, and voids its charge if it was not. Repeating it changes nothing.
    async fn refund(
        &self,
        order: &Order,
        attempts: u32,
        deadline: Deadline,
    ) -> Result<PaymentOutcome, Error> {
        let order_id = order.order_id;
        let reconciled = match self.provider_refund(order, deadline).await {
            Ok(reconciled) => reconciled,
            Err(error) if order.updated_at.age() > REFUND_MAX_AGE => {
                tracing::warn!(%order_id, %error, "the last attempt to refund an order");
                Reconciled::Refused { reason: "no_answer".to_owned() }
            }
            Err(error) if attempts >= QUICK_REFUND_ATTEMPTS => {
                tracing::warn!(%order_id, %error, "a refund is left to the sweep");
                self.tables.orders.postpone(order_id, &order.updated_at, deadline).await?;
                return Ok(PaymentOutcome::RefundPostponed);
            }
            Err(error) => return Err(error),
        };
        self.tables.record_refund(order, &reconciled, deadline).await?;
        match reconciled {
            Reconciled::Refused { reason } => {
                tracing::info!(%order_id, reason, ending = "REFUND_REFUSED", "order");
                Ok(PaymentOutcome::RefundRefused)
            }
            Reconciled::Refunded { .. } | Reconciled::NotCharged => Ok(PaymentOutcome::Refunded),
        }
    }

    /// The provider's part of a refund. An order that was not CONFIRMED and has no intent was never charged: there is nothing
    /// to ask. A CONFIRMED one without an intent is from before intents were stored.
    async fn provider_refund(&self, order: &Order, deadline: Deadline) -> Result<Reconciled, Error> {
        let Some(intent) = order.payment_intent.as_deref() else {
            let reason = order.became(Status::Confirmed).map(|_| "no_payment_intent".to_owned());
            return Ok(reason.map_or(Reconciled::NotCharged, |reason| Reconciled::Refused { reason }));
        };
        // The charge of an order that was never CONFIRMED may still be on its way: once cancelled, it comes to nothing.
        if order.became(Status::Confirmed).is_none() {
            match self.call(self.provider.void(intent), deadline).await? {
                Voided::NotCharged => return Ok(Reconciled::NotCharged),
                Voided::Refused { reason } => return Ok(Reconciled::Refused { reason }),
                Voided::Captured => {}
            }
        }
        Ok(match self.call(self.provider.refund(order.order_id, intent), deadline).await? {
            Refunded::GivenBack { reference } => Reconciled::Refunded { reference },
            Refunded::Refused { reason } => Reconciled::Refused { reason },
        })
    }

    /// Makes one call to the provider when it is due, and leaves time to write what it answers.
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
        deadline: Deadline,
    ) -> Result<T, Error> {
        let end = deadline.before(SETTLEMENT_RESERVE);
        let timed = async {
            let time = end.remaining().min(self.provider_timeout);
            Deadline::within(time).with_timeout("the payment provider", call).await
        };
        self.pacer.paced(end.before(self.provider_timeout), timed).await
    }
}

/// `PAYMENT_TIMEOUT_MS`. A longer time than a [`Deadline`] allows for a call would be cut in silence, so it is an error.
fn provider_timeout() -> Result<Duration, ConfigError> {
    let name = "PAYMENT_TIMEOUT_MS";
    let timeout = Duration::from_millis(config::parsed(name, 2000)?);
    if timeout.is_zero() || timeout > Deadline::LONGEST_CALL {
        let why = format!("expected 1 to {} milliseconds", Deadline::LONGEST_CALL.as_millis());
        let value = timeout.as_millis().to_string();
        return Err(ConfigError::Invalid { name: name.to_owned(), value, why });
    }
    Ok(timeout)
}

fn charge(order: &Order) -> Charge<'_> {
    Charge { order_id: order.order_id, amount: order.total, token: &order.payment_method }
}
