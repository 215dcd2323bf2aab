//! `GET /orders/{id}`

use crate::ids::OrderId;
use domain_primitives::Problem;
use lambda_kit::http::{Answer, Call};

use crate::{order::Order, store::Orders};

/// Answers an order as it stands now.
///
/// # Errors
/// 404 for an unknown order; 503 when the table cannot be read.
pub async fn get_order(orders: &Orders, call: Call) -> Result<Answer, Problem> {
    answer(&named(orders, &call).await?)
}

/// The order as an answer.
pub(crate) fn answer(order: &Order) -> Result<Answer, Problem> {
    // Orders change behind the client's back: whoever polls must see each state.
    Ok(Answer::json(200, &order.view())?.header("cache-control", "no-store"))
}

/// The order that the path names.
///
/// # Errors
/// 404 for an unknown order; 503 when the table cannot be read.
pub(crate) async fn named(orders: &Orders, call: &Call) -> Result<Order, Problem> {
    let id = call.path_parameter("id").unwrap_or_default();
    // A text that cannot be an id names no order.
    let Ok(order_id) = id.parse::<OrderId>() else {
        return Err(not_found());
    };
    orders.get(order_id, call.deadline()).await?.ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(404, "order-not-found", "There is no such order", "No order has this id.")
}
