//! `POST /orders/{id}/cancel`
//!
//! One transaction cancels the order and gives its stock back, on the condition that the order is still in the state
//! in which it was read: so a cancellation and a payment that meet have one winner. Whatever was charged, or is being
//! charged at this moment, is given back later: the same transaction marks the refund as due, the orders stream carries
//! it to the payments queue as it carries payments, and the sweep finds it if both lose it. Nothing is sent from here,
//! so there is no moment at which a crash leaves an order cancelled and its refund forgotten.

use catalog::Catalog;
use domain_primitives::Problem;
use lambda_kit::{
    Deadline,
    http::{Request, Response},
};
use serde_json::json;

use crate::{
    get_order::{answer, named},
    order::{Due, Order},
    status::Status,
    store::Orders,
    transition::{Transition, TransitionOutcome},
};

/// Cancels a PENDING or CONFIRMED order and answers it as it stands then. A CANCELLED one is answered as it is, so
/// asking again changes nothing.
///
/// # Errors
/// 404 for an unknown order; 409 with the state of an order that can no longer be cancelled; 503 when a table does not
/// answer.
pub async fn cancel_order(orders: &Orders, catalog: &Catalog, request: Request) -> Result<Response, Problem> {
    let order = named(orders, &request).await?;
    answer(&cancelled(orders, catalog, order, request.deadline()).await?)
}

async fn cancelled(
    orders: &Orders,
    catalog: &Catalog,
    mut order: Order,
    deadline: Deadline,
) -> Result<Order, Problem> {
    // Ends: each pass that does not return has found the order in a later state than the pass before.
    loop {
        match order.status {
            Status::Cancelled => return Ok(order),
            Status::PaymentFailed => return Err(not_cancellable(order.status)),
            Status::Pending | Status::Confirmed => {}
        }
        let step = Transition {
            to: Status::Cancelled,
            reason: Some("cancellation_requested".to_owned()),
            // Of a PENDING order, too: its charge may be under way at this moment.
            due: Some(Due::Refund),
        };
        match orders.transition(&order, step, catalog, Vec::new(), deadline).await? {
            TransitionOutcome::Applied(order) => return Ok(*order),
            TransitionOutcome::Conflict(found) => order = *found,
        }
    }
}

fn not_cancellable(status: Status) -> Problem {
    let detail = format!("The order is {status}: there is nothing left to cancel.");
    Problem::new(409, "order-not-cancellable", "The order cannot be cancelled", detail)
        .with("order_status", json!(status))
}
