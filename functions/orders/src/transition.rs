//! The transaction that changes the status of an order and returns its stock.
//!
//! Both payments and cancellations use it, so that each rule of an order's end is written once: the condition on the
//! status, the stock, and what is due at the payment provider afterwards.

use aws_sdk_dynamodb::types::TransactWriteItem;
use catalog::Catalog;
use domain_primitives::Timestamp;
use lambda_kit::{
    Deadline, Error,
    transaction::{Outcome, Transaction},
};

use crate::{
    order::{Due, LineItem, Order, StatusChange},
    status::Status,
    store::Orders,
};

/// A change of an order's status.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The new status.
    pub to: Status,
    /// Why, where the status does not say it.
    pub reason: Option<String>,
    /// What is due at the payment provider afterwards.
    pub due: Option<Due>,
}

/// The outcome of a transition.
#[derive(Debug)]
pub enum TransitionOutcome {
    /// The transition is applied: the order in its new state.
    Applied(Box<Order>),
    /// The order was no longer in the expected state, and nothing is changed: the stored order.
    Conflict(Box<Order>),
}

/// What an item of the transaction writes: the label of its condition.
#[derive(Debug)]
enum Write<'a> {
    Order,
    /// The caller's item, without a condition.
    Other,
    Release(&'a LineItem),
}

impl Orders {
    /// Changes the status of `order`, and returns its stock if the new status does not hold any. The condition on the
    /// status lets exactly one of several concurrent transitions succeed. `other` is written in the same transaction; it
    /// has no condition.
    ///
    /// # Errors
    /// When the transaction cannot be written now; then nothing has changed. [`Error::Internal`] for a transition that
    /// the state machine does not allow.
    pub async fn transition(
        &self,
        order: &Order,
        transition: Transition,
        catalog: &Catalog,
        other: Option<TransactWriteItem>,
        deadline: Deadline,
    ) -> Result<TransitionOutcome, Error> {
        let change = StatusChange { status: transition.to, at: Timestamp::now(), reason: transition.reason };
        let mut releases: Vec<&LineItem> =
            if transition.to.holds_stock() { Vec::new() } else { order.line_items.iter().collect() };
        loop {
            let mut transaction = Transaction::default()
                .with(Write::Order, self.transition_item(order, &change, transition.due)?);
            if let Some(other) = &other {
                transaction = transaction.with(Write::Other, other.clone());
            }
            for line in &releases {
                let release = catalog.release(&line.product_id, line.quantity)?;
                transaction = transaction.with(Write::Release(line), release);
            }
            let failed = match transaction.write(self.client(), deadline).await? {
                Outcome::Written => {
                    // One line for each order that ends: the metrics of endings count them.
                    let (order_id, reason) = (order.order_id, change.reason.as_deref().unwrap_or_default());
                    tracing::info!(%order_id, ending = change.status.as_str(), reason, "order");
                    return Ok(TransitionOutcome::Applied(Box::new(changed(order, change, transition.due))));
                }
                Outcome::ConditionsFailed(failed) => failed,
            };
            // A product that has left the catalogue has no stock to return to, and must not keep the order from its
            // end. Each pass drops at least one line item, so the loop ends.
            let before = releases.len();
            for condition in failed {
                match condition.label {
                    Write::Order => {
                        let stored = Self::read(condition.item.unwrap_or_default())?;
                        return Ok(TransitionOutcome::Conflict(Box::new(stored)));
                    }
                    Write::Release(line) => releases.retain(|release| release.product_id != line.product_id),
                    Write::Other => {}
                }
            }
            if releases.len() == before {
                return Err(Error::Internal("a transition failed on an item without a condition".to_owned()));
            }
            tracing::warn!(order_id = %order.order_id, lines = before - releases.len(), "stock has no offer to return to");
        }
    }
}

/// The order after the transition.
fn changed(order: &Order, change: StatusChange, due: Option<Due>) -> Order {
    let mut order = order.clone();
    order.status = change.status;
    order.updated_at = change.at.clone();
    order.history.push(change);
    order.due = due;
    order
}
