//! `POST /orders/{id}/cancel`: cancels an order and returns its stock in one transaction.

use std::time::Duration;

use catalog::Catalog;
use domain_primitives::Problem;
use lambda_kit::{
    aws::Aws,
    config,
    http::{self, Request, Response},
    logging,
};
use orders::{Orders, cancel_order, order_not_found};

/// A day: without a window, an order could be cancelled after its delivery.
const DEFAULT_WINDOW_SECONDS: u64 = 24 * 60 * 60;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let aws = Aws::from_env()?;
    let (orders, catalog) = (&Orders::from_env(&aws)?, &Catalog::from_env(&aws)?);
    let window = Duration::from_secs(config::parsed("CANCEL_WINDOW_SECONDS", DEFAULT_WINDOW_SECONDS)?);
    http::serve(|request| cancel(orders, catalog, window, request)).await
}

/// Cancels the order and returns its new state. A cancelled order is returned as it is, so a repeated request changes
/// nothing.
///
/// # Errors
/// 404 for an unknown order; 409 with the status of an order that can no longer be cancelled; 503 when a table does not
/// respond.
async fn cancel(
    orders: &Orders,
    catalog: &Catalog,
    window: Duration,
    request: Request,
) -> Result<Response, Problem> {
    // A text that is not an order id identifies no order.
    let order_id = request.path_parameter("id").and_then(|id| id.parse().ok()).ok_or_else(order_not_found)?;
    let order = cancel_order(orders, catalog, order_id, window, request.deadline()).await?;
    Ok(Response::json(200, &order.view())?.header("cache-control", "no-store"))
}
