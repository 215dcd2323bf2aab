//! `POST /orders`
//!
//! One transaction takes the stock at the seen prices and puts the order: all of it or nothing. The order's id comes
//! from the Idempotency-Key, so the put's own condition finds replays and no extra item is needed.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use catalog::ProductId;
use catalog::{Catalog, OfferCache, OfferedProduct, Refusal};
use domain_primitives::{Money, MoneyError, Problem, Timestamp, Violation};
use lambda_kit::{
    Deadline, Error,
    http::{Answer, Call},
    transaction::{self, Check, Outcome},
};
use serde_json::json;

use crate::{
    order::{Due, Line, Order, Transition},
    request::{OrderRequest, Wish},
    status::Status,
    store::Orders,
};

/// What create-order works with. Build it once, outside the handler.
#[derive(Debug)]
pub struct Shop {
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
pub async fn create_order(shop: &Shop, call: Call) -> Result<Answer, Problem> {
    let request = OrderRequest::read(&call)?;
    match shop.place(&request, call.deadline()).await {
        Ok(Placed::New(order)) => created(&order, 201),
        Ok(Placed::Known(order)) => replay(&request, &order),
        Err(refused) => {
            // The stored order outranks any refusal: its replay must not fail because its own sale took the last piece.
            if request.keyed
                && let Some(order) = shop.orders.get(request.order_id, call.deadline()).await?
            {
                return replay(&request, &order);
            }
            Err(refused.into())
        }
    }
}

fn created(order: &Order, status: u16) -> Result<Answer, Problem> {
    Ok(Answer::json(status, &order.view())?.header("location", format!("/orders/{}", order.order_id)))
}

fn replay(request: &OrderRequest, order: &Order) -> Result<Answer, Problem> {
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
enum Refused {
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

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Shop {
    async fn place(&self, request: &OrderRequest, deadline: Deadline) -> Result<Placed, Refused> {
        let mut price_retries = PRICE_RETRIES;
        loop {
            let offers = self.offers(request, deadline).await?;
            let order = draft(request, &offers).map_err(Refused::Unpayable)?;
            let items = self.transaction(request, &order, &offers)?;
            match transaction::write(&self.orders.client, items, deadline).await? {
                Outcome::Written => return Ok(Placed::New(order)),
                Outcome::Refused(checks) => {
                    if let Some(order) = self.judge(request, checks, &offers)? {
                        return Ok(Placed::Known(order));
                    }
                }
            }
            // Only prices were in the way: the new ones are in the cache now.
            price_retries = price_retries.checked_sub(1).ok_or(Refused::PriceChanged)?;
        }
    }

    async fn offers(
        &self,
        request: &OrderRequest,
        deadline: Deadline,
    ) -> Result<HashMap<ProductId, OfferedProduct>, Refused> {
        let ids: Vec<_> = request.lines.iter().map(|wish| wish.product_id.clone()).collect();
        let offers = self.offers.offers(&self.catalog, &ids, deadline).await?;
        let unknown: Vec<_> =
            request.lines.iter().filter(|wish| !offers.contains_key(&wish.product_id)).collect();
        if unknown.is_empty() { Ok(offers) } else { Err(unknown_products(&unknown)) }
    }

    fn transaction(
        &self,
        request: &OrderRequest,
        order: &Order,
        offers: &HashMap<ProductId, OfferedProduct>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let mut items = Vec::with_capacity(request.lines.len() + 1);
        for wish in &request.lines {
            items.push(self.catalog.reserve(&offers[&wish.product_id], wish.quantity)?);
        }
        items.push(self.orders.put_new(order)?);
        Ok(items)
    }

    /// Reads the failed conditions, one check for each line and the order's last: the order that exists already, or
    /// nothing when only prices have changed.
    fn judge(
        &self,
        request: &OrderRequest,
        mut checks: Vec<Check>,
        offers: &HashMap<ProductId, OfferedProduct>,
    ) -> Result<Option<Order>, Refused> {
        if let Some(Check::Failed(item)) = checks.pop() {
            return Ok(Some(Orders::read(item.unwrap_or_default())?));
        }
        let (mut unknown, mut short) = (Vec::new(), Vec::new());
        for (wish, check) in request.lines.iter().zip(checks) {
            let Check::Failed(item) = check else { continue };
            match Catalog::refusal(item, wish.quantity)? {
                Refusal::Unknown => unknown.push(wish),
                Refusal::Short { available } => short.push(Shortage {
                    product_id: wish.product_id.clone(),
                    requested: wish.quantity.get(),
                    available,
                }),
                Refusal::Price(price) => {
                    self.offers.remember(OfferedProduct { price, ..offers[&wish.product_id].clone() });
                }
            }
        }
        if !unknown.is_empty() {
            Err(unknown_products(&unknown))
        } else if !short.is_empty() {
            Err(Refused::OutOfStock(short))
        } else {
            Ok(None)
        }
    }
}

fn unknown_products(wishes: &[&Wish]) -> Refused {
    Refused::UnknownProducts(wishes.iter().map(|wish| wish.pointer.clone()).collect())
}

/// The order that the request makes at these prices.
fn draft(request: &OrderRequest, offers: &HashMap<ProductId, OfferedProduct>) -> Result<Order, MoneyError> {
    let mut lines = Vec::with_capacity(request.lines.len());
    let mut total: Option<Money> = None;
    for wish in &request.lines {
        let offered = &offers[&wish.product_id];
        let line_total = offered.price.times(wish.quantity.get())?;
        total = Some(match total {
            Some(total) => total.plus(line_total)?,
            None => line_total,
        });
        lines.push(Line {
            product_id: wish.product_id.clone(),
            name: offered.name.clone(),
            quantity: wish.quantity,
            unit_price: offered.price,
            line_total,
        });
    }
    let now = Timestamp::now();
    Ok(Order {
        order_id: request.order_id,
        status: Status::Pending,
        lines,
        total: total.ok_or(MoneyError::TooLarge)?,
        email: request.email.clone(),
        payment_method: request.payment_method.clone(),
        request_hash: request.request_hash.clone(),
        correlation_id: request.correlation_id.clone(),
        history: vec![Transition { status: Status::Pending, at: now.clone(), reason: None }],
        created_at: now.clone(),
        updated_at: now,
        due: Some(Due::Payment),
    })
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::UnknownProducts(pointers) => {
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
            Refused::OutOfStock(shortages) => {
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
            Refused::PriceChanged => {
                let detail =
                    "The price changed while the order was made. Look at the product and order again.";
                Self::new(409, "price-changed", "The price has changed", detail)
            }
            Refused::Unpayable(error) => {
                Self::invalid(vec![Violation::new("/items", format!("cannot be ordered together: {error}"))])
            }
            Refused::Failed(error) => error.into(),
        }
    }
}
