//! What is written when an order ends: its state and its payment record in one transaction.

use catalog::Catalog;
use domain_primitives::Timestamp;
use lambda_kit::{
    Deadline, Error,
    transaction::{self, Outcome as Written},
};
use orders::{Due, Order, Orders, Status, Transition, TransitionOutcome};

use crate::{
    provider::Refunded,
    record::{Outcome, PaymentItem, Payments},
};

/// The tables that a settlement writes.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    pub(crate) payments: Payments,
}

/// How an order shall end.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) status: Status,
    pub(crate) outcome: Outcome,
    pub(crate) provider_reference: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) attempts: u32,
    /// What the provider has to be asked for afterwards.
    pub(crate) due: Option<Due>,
}

impl Tables {
    /// Ends a PENDING order: its state, its payment record and, unless it is paid, its stock given back.
    pub(crate) async fn settle(
        &self,
        order: &Order,
        settlement: &Settlement,
        deadline: Deadline,
    ) -> Result<TransitionOutcome, Error> {
        let step =
            Transition { to: settlement.status, reason: settlement.reason.clone(), due: settlement.due };
        let record = self.payments.put(&payment(order, settlement))?;
        self.orders.transition(order, step, &self.catalog, vec![record], deadline).await
    }

    /// Notes that nothing of an ended order is charged any more: on its payment record, and on the order, which leaves
    /// the index of what is due. Repeating it changes nothing.
    pub(crate) async fn refunded(
        &self,
        order: &Order,
        refunded: &Refunded,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let items = vec![
            self.orders.refunded(order.order_id)?,
            self.payments.refunded(order.order_id, order.total, refunded)?,
        ];
        match transaction::write(self.orders.client(), items, deadline).await? {
            // A refused one has been noted before, by another delivery of the same message.
            Written::Written | Written::Refused(_) => Ok(()),
        }
    }
}

fn payment(order: &Order, settlement: &Settlement) -> PaymentItem {
    PaymentItem {
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
