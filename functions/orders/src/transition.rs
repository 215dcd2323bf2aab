//! One transaction that moves an order on, with the stock it gives back.
//!
//! Both payments and cancellation end orders with it, so each rule of an end is written once: the condition on the
//! state that is left, the stock, and what the provider has to be asked for afterwards.

use aws_sdk_dynamodb::types::TransactWriteItem;
use catalog::Catalog;
use domain_primitives::Timestamp;
use lambda_kit::{
    Deadline, Error,
    transaction::{self, Check},
};

use crate::{
    order::{Due, LineItem, Order, StatusChange},
    status::Status,
    store::Orders,
};

/// Where an order shall go.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The state to enter.
    pub to: Status,
    /// Why, where there is more to say than the state does.
    pub reason: Option<String>,
    /// What the provider has to be asked for afterwards.
    pub due: Option<Due>,
}

/// What became of a step.
#[derive(Debug)]
pub enum TransitionOutcome {
    /// It is taken; the order as it stands now.
    Applied(Box<Order>),
    /// The order had left its state before; the order as it was found.
    Conflict(Box<Order>),
}

impl Orders {
    /// Moves `order` on from the state in which it was seen, and gives its stock back if the next state holds none.
    /// The condition on the state lets exactly one of several steps win. `with` is written in the same transaction.
    ///
    /// # Errors
    /// When the transaction cannot be made now; then nothing has changed. [`Error::Internal`] for a step that the
    /// state machine does not have.
    pub async fn transition(
        &self,
        order: &Order,
        step: Transition,
        catalog: &Catalog,
        with: Vec<TransactWriteItem>,
        deadline: Deadline,
    ) -> Result<TransitionOutcome, Error> {
        let next = StatusChange { status: step.to, at: Timestamp::now(), reason: step.reason };
        let mut give_back: Vec<&LineItem> =
            if step.to.holds_stock() { Vec::new() } else { order.line_items.iter().collect() };
        loop {
            let mut items = vec![self.transition_item(order, &next, step.due)?];
            items.extend_from_slice(&with);
            for line in &give_back {
                items.push(catalog.release(&line.product_id, line.quantity)?);
            }
            let checks = match transaction::write(self.client(), items, deadline).await? {
                transaction::Outcome::Written => {
                    return Ok(TransitionOutcome::Applied(Box::new(after(order, next, step.due))));
                }
                transaction::Outcome::Refused(checks) => checks,
            };
            let mut checks = checks.into_iter();
            if let Some(Check::Failed(item)) = checks.next() {
                return Ok(TransitionOutcome::Conflict(Box::new(Self::read(item.unwrap_or_default())?)));
            }
            // A product that has left the catalogue has no stock to give back to, and must not keep the order from
            // its end. Each pass drops at least one line, so this ends.
            let before = give_back.len();
            let mut releases = checks.skip(with.len());
            give_back.retain(|_| !matches!(releases.next(), Some(Check::Failed(_))));
            if give_back.len() == before {
                return Err(Error::Internal("a step was refused without a failed condition".to_owned()));
            }
            tracing::warn!(order_id = %order.order_id, lines = before - give_back.len(), "stock has no offer to return to");
        }
    }
}

/// The order as the step has left it.
fn after(order: &Order, step: StatusChange, due: Option<Due>) -> Order {
    let mut order = order.clone();
    order.status = step.status;
    order.updated_at = step.at.clone();
    order.history.push(step);
    order.due = due;
    order
}
