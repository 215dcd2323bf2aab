//! `GET /orders/{id}`

use crate::ids::OrderId;
use domain_primitives::Problem;
use lambda_kit::http::{Request, Response};

use crate::{order::Order, store::Orders};

/// Answers an order as it stands now.
///
/// # Errors
/// 404 for an unknown order; 503 when the table cannot be read.
pub async fn get_order(orders: &Orders, request: Request) -> Result<Response, Problem> {
    answer(&named(orders, &request).await?)
}

/// The order as an answer.
pub(crate) fn answer(order: &Order) -> Result<Response, Problem> {
    // Orders change behind the client's back: whoever polls must see each state.
    Ok(Response::json(200, &order.view())?.header("cache-control", "no-store"))
}

/// The order that the path names.
///
/// # Errors
/// 404 for an unknown order; 503 when the table cannot be read.
pub(crate) async fn named(orders: &Orders, request: &Request) -> Result<Order, Problem> {
    let id = request.path_parameter("id").unwrap_or_default();
    // A text that cannot be an id names no order.
    let Ok(order_id) = id.parse::<OrderId>() else {
        return Err(not_found());
    };
    orders.get(order_id, request.deadline()).await?.ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(404, "order-not-found", "There is no such order", "No order has this id.")
}
