//! `POST /orders`
//!
//! One transaction takes the stock at the seen prices and puts the order: all of it or nothing. The order's id comes
//! from the Idempotency-Key, so the put's own condition finds replays and no extra item is needed.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use catalog::ProductId;
use catalog::{Catalog, OfferCache, OfferedProduct, ReservationFailure};
use domain_primitives::{Money, MoneyError, Problem, Timestamp, Violation};
use lambda_kit::{
    Deadline, Error,
    http::{Request, Response},
    transaction::{self, Check, Outcome},
};
use serde_json::json;

use crate::{
    order::{Due, LineItem, Order, StatusChange},
    request::{OrderRequest, RequestedItem},
    status::Status,
    store::Orders,
};

/// What create-order works with. Build it once, outside the handler.
#[derive(Debug)]
pub struct OrderService {
    /// The catalogue.
    pub catalog: Catalog,
    /// The orders.
    pub orders: Orders,
    /// Prices that were seen lately.
    pub offers: OfferCache,
}

/// How often an order is made anew at a price that changed meanwhile.
const PRICE_RETRIES: u32 = 1;

/// Makes an order, or finds the one that the Idempotency-Key made before.
///
/// # Errors
/// 400, 413 and 415 for bad input; 404 for an unknown product; 409 out of stock, or when a price changes twice
/// meanwhile; 422 for a key that was used with another body; 503 when a table does not answer.
pub async fn create_order(service: &OrderService, http: Request) -> Result<Response, Problem> {
    let request = OrderRequest::read(&http)?;
    match service.place(&request, http.deadline()).await {
        Ok(Placed::New(order)) => created(&order, 201),
        Ok(Placed::Known(order)) => replay(&request, &order),
        Err(refused) => {
            // The stored order outranks any refusal: its replay must not fail because its own sale took the last piece.
            if request.keyed
                && let Some(order) = service.orders.get(request.order_id, http.deadline()).await?
            {
                return replay(&request, &order);
            }
            Err(refused.into())
        }
    }
}

fn created(order: &Order, status: u16) -> Result<Response, Problem> {
    Ok(Response::json(status, &order.view())?.header("location", format!("/orders/{}", order.order_id)))
}

fn replay(request: &OrderRequest, order: &Order) -> Result<Response, Problem> {
    if order.request_hash != request.request_hash {
        let detail = "This Idempotency-Key made another order before. Use a new key for a new order.";
        return Err(Problem::new(
            422,
            "idempotency-key-reused",
            "The Idempotency-Key was used before",
            detail,
        ));
    }
    Ok(created(order, 200)?.header("idempotency-replayed", "true"))
}

enum Placed {
    New(Order),
    Known(Order),
}

/// Why no order was made.
enum PlaceOrderError {
    UnknownProducts(Vec<String>),
    OutOfStock(Vec<Shortage>),
    PriceChanged,
    Unpayable(MoneyError),
    Failed(Error),
}

struct Shortage {
    product_id: ProductId,
    requested: u32,
    available: u64,
}

impl From<Error> for PlaceOrderError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl OrderService {
    async fn place(&self, request: &OrderRequest, deadline: Deadline) -> Result<Placed, PlaceOrderError> {
        let mut price_retries = PRICE_RETRIES;
        loop {
            let offers = self.offers(request, deadline).await?;
            let order = draft(request, &offers).map_err(PlaceOrderError::Unpayable)?;
            let items = self.transaction(request, &order, &offers)?;
            match transaction::write(&self.orders.client, items, deadline).await? {
                Outcome::Written => return Ok(Placed::New(order)),
                Outcome::Refused(checks) => {
                    if let Some(order) = self.check_failures(request, checks, &offers)? {
                        return Ok(Placed::Known(order));
                    }
                }
            }
            // Only prices were in the way: the new ones are in the cache now.
            price_retries = price_retries.checked_sub(1).ok_or(PlaceOrderError::PriceChanged)?;
        }
    }

    async fn offers(
        &self,
        request: &OrderRequest,
        deadline: Deadline,
    ) -> Result<HashMap<ProductId, OfferedProduct>, PlaceOrderError> {
        let ids: Vec<_> = request.items.iter().map(|item| item.product_id.clone()).collect();
        let offers = self.offers.offers(&self.catalog, &ids, deadline).await?;
        let unknown: Vec<_> =
            request.items.iter().filter(|item| !offers.contains_key(&item.product_id)).collect();
        if unknown.is_empty() { Ok(offers) } else { Err(unknown_products(&unknown)) }
    }

    fn transaction(
        &self,
        request: &OrderRequest,
        order: &Order,
        offers: &HashMap<ProductId, OfferedProduct>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let mut items = Vec::with_capacity(request.items.len() + 1);
        for item in &request.items {
            items.push(self.catalog.reserve(&offers[&item.product_id], item.quantity)?);
        }
        items.push(self.orders.put_new(order)?);
        Ok(items)
    }

    /// Reads the failed conditions, one check for each line and the order's last: the order that exists already, or
    /// nothing when only prices have changed.
    fn check_failures(
        &self,
        request: &OrderRequest,
        mut checks: Vec<Check>,
        offers: &HashMap<ProductId, OfferedProduct>,
    ) -> Result<Option<Order>, PlaceOrderError> {
        if let Some(Check::Failed(item)) = checks.pop() {
            return Ok(Some(Orders::read(item.unwrap_or_default())?));
        }
        let (mut unknown, mut short) = (Vec::new(), Vec::new());
        for (item, check) in request.items.iter().zip(checks) {
            let Check::Failed(offer) = check else { continue };
            match Catalog::reservation_failure(offer, item.quantity)? {
                ReservationFailure::Unknown => unknown.push(item),
                ReservationFailure::Short { available } => short.push(Shortage {
                    product_id: item.product_id.clone(),
                    requested: item.quantity.get(),
                    available,
                }),
                ReservationFailure::Price(price) => {
                    self.offers.remember(OfferedProduct { price, ..offers[&item.product_id].clone() });
                }
            }
        }
        if !unknown.is_empty() {
            Err(unknown_products(&unknown))
        } else if !short.is_empty() {
            Err(PlaceOrderError::OutOfStock(short))
        } else {
            Ok(None)
        }
    }
}

fn unknown_products(requested_items: &[&RequestedItem]) -> PlaceOrderError {
    PlaceOrderError::UnknownProducts(requested_items.iter().map(|item| item.pointer.clone()).collect())
}

/// The order that the request makes at these prices.
fn draft(request: &OrderRequest, offers: &HashMap<ProductId, OfferedProduct>) -> Result<Order, MoneyError> {
    let mut lines = Vec::with_capacity(request.items.len());
    let mut total: Option<Money> = None;
    for item in &request.items {
        let offered = &offers[&item.product_id];
        let line_total = offered.price.times(item.quantity.get())?;
        total = Some(match total {
            Some(total) => total.plus(line_total)?,
            None => line_total,
        });
        lines.push(LineItem {
            product_id: item.product_id.clone(),
            name: offered.name.clone(),
            quantity: item.quantity,
            unit_price: offered.price,
            line_total,
        });
    }
    let now = Timestamp::now();
    Ok(Order {
        order_id: request.order_id,
        status: Status::Pending,
        line_items: lines,
        total: total.ok_or(MoneyError::TooLarge)?,
        email: request.email.clone(),
        payment_method: request.payment_method.clone(),
        request_hash: request.request_hash.clone(),
        correlation_id: request.correlation_id.clone(),
        history: vec![StatusChange { status: Status::Pending, at: now.clone(), reason: None }],
        created_at: now.clone(),
        updated_at: now,
        due: Some(Due::Payment),
    })
}

impl From<PlaceOrderError> for Problem {
    fn from(refused: PlaceOrderError) -> Self {
        match refused {
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
                let out_of_stock = shortages.iter().map(|short| {
                    json!({"product_id": short.product_id, "requested": short.requested, "available": short.available})
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
            PlaceOrderError::Unpayable(error) => {
                Self::invalid(vec![Violation::new("/items", format!("cannot be ordered together: {error}"))])
            }
            PlaceOrderError::Failed(error) => error.into(),
        }
    }
}
