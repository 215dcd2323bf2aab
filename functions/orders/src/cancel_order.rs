//! Cancelling an order.
//!
//! One transaction cancels the order and returns its stock, on the condition that the order is still in the state in
//! which it was read. So if a cancellation and a payment meet, exactly one of them wins. Whatever was charged, or is being
//! charged at this moment, is refunded later: the same transaction marks the refund as due, the orders stream carries it
//! to the payments queue as it carries payments, and the sweep finds it if both lose it. This function sends nothing, so no
//! crash can leave an order cancelled and its refund forgotten.

use std::time::Duration;

use catalog::Catalog;
use domain_primitives::Timestamp;
use lambda_kit::{Deadline, Error};

use crate::{
    ids::OrderId,
    order::{Due, Order},
    status::Status,
    store::Orders,
    transition::{Transition, TransitionOutcome},
};

/// How long a cancellation meets conflicts before its client has to come again, as an order does: while it waits, its
/// environment is one of the account's, and billed.
const CONFLICTS_FOR: Duration = Duration::from_secs(3);

/// Why an order was not cancelled.
#[derive(Debug)]
pub enum CancelOrderError {
    /// No order has this id.
    NotFound,
    /// The order is in a final state other than CANCELLED.
    NotCancellable(Status),
    /// The order was confirmed longer ago than the window in which it may be cancelled.
    TooLate {
        /// When it was confirmed.
        confirmed_at: Timestamp,
        /// How long it could be cancelled from then on.
        window: Duration,
    },
    /// A table cannot be read or written.
    Failed(Error),
}

impl From<Error> for CancelOrderError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Cancels a PENDING order, or one that was CONFIRMED within `window`. A CANCELLED one is returned as it is, so repeating
/// the call changes nothing.
///
/// # Errors
/// [`CancelOrderError`] says why the order is not cancelled.
pub async fn cancel_order(
    orders: &Orders,
    catalog: &Catalog,
    order_id: OrderId,
    window: Duration,
    deadline: Deadline,
) -> Result<Order, CancelOrderError> {
    let mut order = orders.get(order_id, deadline).await?.ok_or(CancelOrderError::NotFound)?;
    // The loop ends: each conflict returns the order in a later state, and there are few.
    loop {
        match order.status {
            Status::Cancelled => return Ok(order),
            Status::PaymentFailed => return Err(CancelOrderError::NotCancellable(order.status)),
            Status::Confirmed => within_window(&order, window)?,
            Status::Pending => {}
        }
        let transition = Transition {
            to: Status::Cancelled,
            reason: Some("cancellation_requested".to_owned()),
            // For a PENDING order, too: its charge may be in progress at this moment.
            due: Some(Due::Refund),
        };
        match orders.transition(&order, transition, catalog, None, deadline.at_most(CONFLICTS_FOR)).await? {
            TransitionOutcome::Applied(order) => return Ok(*order),
            TransitionOutcome::Conflict(current) => order = *current,
        }
    }
}

/// # Errors
/// [`CancelOrderError::TooLate`] when the order was confirmed longer ago.
fn within_window(order: &Order, window: Duration) -> Result<(), CancelOrderError> {
    match order.became(Status::Confirmed) {
        Some(confirmed_at) if confirmed_at.age() > window => {
            Err(CancelOrderError::TooLate { confirmed_at: confirmed_at.clone(), window })
        }
        _ => Ok(()),
    }
}
