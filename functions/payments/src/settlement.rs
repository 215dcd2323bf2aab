//! The settlement of an order: its status and its payment record, written in one transaction.

use catalog::Catalog;
use domain_primitives::Timestamp;
use lambda_kit::{
    Deadline, Error,
    transaction::{Outcome, Transaction},
};
use orders::{Due, Order, Orders, Status, Transition, TransitionOutcome};

use crate::record::{PaymentRecord, Payments, RecordedOutcome};

/// The tables that a settlement writes.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    pub(crate) payments: Payments,
}

/// The end of a PENDING order.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) status: Status,
    pub(crate) outcome: RecordedOutcome,
    pub(crate) provider_reference: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) attempts: u32,
    /// What is due at the provider afterwards.
    pub(crate) due: Option<Due>,
}

impl Tables {
    /// Writes the order's status and its payment record, and returns the stock unless the order is paid.
    pub(crate) async fn settle(
        &self,
        order: &Order,
        settlement: &Settlement,
        deadline: Deadline,
    ) -> Result<TransitionOutcome, Error> {
        let transition =
            Transition { to: settlement.status, reason: settlement.reason.clone(), due: settlement.due };
        let record = self.payments.put(&payment_record(order, settlement))?;
        self.orders.transition(order, transition, &self.catalog, Some(record), deadline).await
    }

    /// Records that nothing of the order is charged any more: on its payment record, and on the order, which leaves the
    /// `pending` index. Repeating it changes nothing.
    pub(crate) async fn record_refund(
        &self,
        order: &Order,
        refund: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let transaction = Transaction::default()
            .with("order", self.orders.refunded(order.order_id)?)
            .with("payment record", self.payments.refunded(order.order_id, order.total, refund)?);
        match transaction.write(self.orders.client(), deadline).await? {
            // If the condition failed, another delivery of the same message has recorded the refund.
            Outcome::Written | Outcome::ConditionsFailed(_) => Ok(()),
        }
    }
}

fn payment_record(order: &Order, settlement: &Settlement) -> PaymentRecord {
    PaymentRecord {
        order_id: order.order_id,
        outcome: settlement.outcome,
        amount: order.total.amount(),
        currency: order.total.currency(),
        provider_reference: settlement.provider_reference.clone(),
        reason: settlement.reason.clone(),
        attempts: settlement.attempts,
        updated_at: Timestamp::now(),
    }
}
