//! `GET /orders/{id}`: the current state of an order.

use domain_primitives::Problem;
use lambda_kit::{
    aws::Aws,
    http::{self, Request, Response},
    logging,
};
use orders::{Orders, order_not_found};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let orders = &Orders::from_env(&Aws::from_env()?)?;
    http::serve(|request| get_order(orders, request)).await
}

/// Returns the order.
///
/// # Errors
/// 404 for an unknown order; 503 when the table cannot be read.
async fn get_order(orders: &Orders, request: Request) -> Result<Response, Problem> {
    // A text that is not an order id identifies no order.
    let order_id = request.path_parameter("id").and_then(|id| id.parse().ok()).ok_or_else(order_not_found)?;
    let order = orders.get(order_id, request.deadline()).await?.ok_or_else(order_not_found)?;
    // An order changes without a request of the client: a client that polls must see each state.
    Ok(Response::json(200, &order.view())?.header("cache-control", "no-store"))
}
