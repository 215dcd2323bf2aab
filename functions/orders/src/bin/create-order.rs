//! `POST /orders`: takes stock and creates an order in one transaction.

use catalog::{Catalog, OfferCache};
use domain_primitives::Problem;
use lambda_kit::{
    aws::Aws,
    http::{self, Request, Response},
    logging,
};
use orders::{OrderIdSecret, OrderLimits, OrderRequest, OrderService, Orders, PlacedOrder};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let aws = Aws::from_env()?;
    let service = &OrderService {
        catalog: Catalog::from_env(&aws)?,
        orders: Orders::from_env(&aws)?,
        offers: OfferCache::default(),
        limits: OrderLimits::from_env()?,
    };
    let secret = &OrderIdSecret::from_env()?;
    http::serve(|request| create_order(service, secret, request)).await
}

/// Creates an order, or returns the one that the Idempotency-Key has created before.
///
/// # Errors
/// 400, 413 and 415 for bad input, and an order above the limits; 404 for an unknown product; 409 when a product is out of
/// stock or its price changes twice meanwhile; 422 for a key that was used with another body; 503 when a table does not
/// respond.
async fn create_order(
    service: &OrderService,
    secret: &OrderIdSecret,
    request: Request,
) -> Result<Response, Problem> {
    let order = OrderRequest::read(&request, secret, &service.limits)?;
    let placed = service.place(&order, request.deadline()).await?;
    let (status, order) = match &placed {
        PlacedOrder::Created(order) => (201, order),
        PlacedOrder::Replayed(order) => (200, order),
    };
    let response = Response::json(status, &order.view())?;
    let response = response.header("location", format!("/orders/{}", order.order_id));
    Ok(match placed {
        PlacedOrder::Created(_) => response,
        PlacedOrder::Replayed(_) => response.header("idempotency-replayed", "true"),
    })
}
