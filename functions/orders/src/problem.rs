//! The problem details of the errors of this service: the last step before the HTTP response.

use domain_primitives::{Problem, Violation};
use serde_json::json;

use crate::{cancel_order::CancelOrderError, place_order::PlaceOrderError, status::Status};

/// 404: no order has the requested id.
#[must_use]
pub fn order_not_found() -> Problem {
    Problem::new(404, "order-not-found", "There is no such order", "No order has this id.")
}

impl From<CancelOrderError> for Problem {
    fn from(error: CancelOrderError) -> Self {
        match error {
            CancelOrderError::NotFound => order_not_found(),
            CancelOrderError::NotCancellable(status) => {
                let detail = format!("The order is {status}: there is nothing left to cancel.");
                Self::new(409, "order-not-cancellable", "The order cannot be cancelled", detail)
                    .with("order_status", json!(status))
            }
            CancelOrderError::TooLate { confirmed_at, window } => {
                let seconds = window.as_secs();
                let detail = format!(
                    "The order was confirmed at {confirmed_at}: it could be cancelled for {seconds} seconds from then on."
                );
                Self::new(409, "order-not-cancellable", "The order cannot be cancelled", detail)
                    .with("order_status", json!(Status::Confirmed))
            }
            CancelOrderError::Failed(error) => error.into(),
        }
    }
}

impl From<PlaceOrderError> for Problem {
    fn from(error: PlaceOrderError) -> Self {
        match error {
            PlaceOrderError::UnknownProducts(pointers) => {
                let errors: Vec<_> = pointers
                    .iter()
                    .map(|pointer| json!({"pointer": pointer, "detail": "is not in the catalogue"}))
                    .collect();
                Self::new(
                    404,
                    "product-not-found",
                    "There is no such product",
                    "A product of the order is not in the catalogue.",
                )
                .with("errors", errors.into())
            }
            PlaceOrderError::OutOfStock(shortages) => {
                let out_of_stock = shortages.iter().map(|shortage| {
                    json!({"product_id": shortage.product_id, "requested": shortage.requested, "available": shortage.available})
                });
                Self::new(
                    409,
                    "out-of-stock",
                    "Not enough in stock",
                    "Fewer pieces are available than the order asks for.",
                )
                .with("out_of_stock", out_of_stock.collect())
            }
            PlaceOrderError::PriceChanged => {
                let detail =
                    "The price changed while the order was made. Look at the product and order again.";
                Self::new(409, "price-changed", "The price has changed", detail)
            }
            PlaceOrderError::IdempotencyKeyReused => {
                let detail = "This Idempotency-Key made another order before. Use a new key for a new order.";
                Self::new(422, "idempotency-key-reused", "The Idempotency-Key was used before", detail)
            }
            PlaceOrderError::InvalidTotal(error) => {
                Self::invalid(vec![Violation::new("/items", format!("cannot be ordered together: {error}"))])
            }
            PlaceOrderError::TooExpensive { total, most } => {
                let detail = format!(
                    "must cost at most {most} in minor units of {}, not {}",
                    total.currency().as_str(),
                    total.amount()
                );
                Self::invalid(vec![Violation::new("/items", detail)])
            }
            PlaceOrderError::Failed(error) => error.into(),
        }
    }
}
