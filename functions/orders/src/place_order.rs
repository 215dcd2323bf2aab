//! Placing an order.
//!
//! One transaction takes the stock at the prices that were read and puts the order: all of it or nothing. The order's id
//! is derived from the Idempotency-Key and a secret, so the condition of the put finds replays, and idempotency needs no
//! item of its own.

use std::{collections::HashMap, time::Duration};

use catalog::{Catalog, OfferCache, OfferedProduct, ProductId, ReservationFailure};
use domain_primitives::{Money, MoneyError, Timestamp};
use lambda_kit::{
    Deadline, Error,
    transaction::{ConflictRetries, FailedCondition, Outcome, Transaction},
};

use crate::{
    limits::OrderLimits,
    order::{Due, LineItem, Order, StatusChange},
    request::{OrderRequest, RequestedItem},
    status::Status,
    store::Orders,
};

/// Places orders. Build it once, outside the handler.
#[derive(Debug)]
pub struct OrderService {
    /// The catalogue.
    pub catalog: Catalog,
    /// The orders.
    pub orders: Orders,
    /// Offers that were read in the last seconds.
    pub offers: OfferCache,
    /// What one order may ask for.
    pub limits: OrderLimits,
}

/// How many times an order is retried at a price that changed meanwhile.
const PRICE_RETRIES: u32 = 1;

/// How long conflicts of one order with others are retried, over all its attempts. A conflict that lasts longer is a rush that
/// the client's own retry meets better than an environment that waits: while it waits, it is one of the account's, and
/// billed.
const CONFLICTS_FOR: Duration = Duration::from_secs(3);

/// The items that the retries of one order may write again, at two write units each: what conflicts can make it cost.
const ITEMS_WRITTEN_AGAIN: usize = 100;

/// The order of a request.
#[derive(Debug)]
pub enum PlacedOrder {
    /// This request created it.
    Created(Order),
    /// An earlier request with the same Idempotency-Key created it.
    Replayed(Order),
}

/// Why no order was created.
#[derive(Debug)]
pub enum PlaceOrderError {
    /// The catalogue lacks products: JSON pointers to them in the request.
    UnknownProducts(Vec<String>),
    /// Fewer pieces are available than requested.
    OutOfStock(Vec<Shortage>),
    /// Prices changed again during the retry.
    PriceChanged,
    /// The Idempotency-Key has created an order with other contents.
    IdempotencyKeyReused,
    /// The prices cannot be summed.
    InvalidTotal(MoneyError),
    /// The order costs more than one may.
    TooExpensive {
        /// What it would cost.
        total: Money,
        /// What an order may cost, in minor units.
        most: u64,
    },
    /// A table cannot be read or written.
    Failed(Error),
}

/// A product of which too few pieces are available.
#[derive(Debug)]
pub struct Shortage {
    /// The product.
    pub product_id: ProductId,
    /// The pieces that the order requests.
    pub requested: u32,
    /// The pieces that were available at that moment.
    pub available: u64,
}

impl From<Error> for PlaceOrderError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What an item of the transaction writes: the label of its condition.
#[derive(Debug)]
enum Write<'a> {
    Reservation(&'a RequestedItem),
    Order,
}

impl OrderService {
    /// Creates the order, or returns the one that the same customer and Idempotency-Key have created before.
    ///
    /// # Errors
    /// [`PlaceOrderError`] says why there is no order.
    pub async fn place(
        &self,
        request: &OrderRequest,
        deadline: Deadline,
    ) -> Result<PlacedOrder, PlaceOrderError> {
        match self.create(request, deadline).await {
            Ok(PlacedOrder::Replayed(order)) => replayed(request, order),
            Ok(created) => Ok(created),
            Err(error) => {
                // A stored order takes precedence over any error: its replay must not fail because its own sale took the
                // last piece.
                if request.keyed
                    && let Some(order) = self.orders.get(request.order_id, deadline).await?
                {
                    return replayed(request, order);
                }
                Err(error)
            }
        }
    }

    async fn create(
        &self,
        request: &OrderRequest,
        deadline: Deadline,
    ) -> Result<PlacedOrder, PlaceOrderError> {
        let conflicts = conflict_retries(request.items.len(), deadline);
        let mut price_retries = PRICE_RETRIES;
        loop {
            let offers = self.offers(request, deadline).await?;
            let order = new_order(request, &offers).map_err(PlaceOrderError::InvalidTotal)?;
            if order.total.amount() > self.limits.value {
                return Err(PlaceOrderError::TooExpensive { total: order.total, most: self.limits.value });
            }
            let mut transaction = Transaction::retrying(conflicts);
            for item in &request.items {
                let reservation = self.catalog.reserve(&offers[&item.product_id], item.quantity)?;
                transaction = transaction.with(Write::Reservation(item), reservation);
            }
            let transaction = transaction.with(Write::Order, self.orders.put_new(&order)?);
            match transaction.write(self.orders.client(), deadline).await? {
                Outcome::Written => return Ok(PlacedOrder::Created(order)),
                Outcome::ConditionsFailed(failed) => {
                    if let Some(order) = self.check_failures(failed, &offers)? {
                        return Ok(PlacedOrder::Replayed(order));
                    }
                }
            }
            // Only prices have changed, and the cache holds the new ones.
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

    /// What the failed conditions mean: the order exists already, it cannot be created, or (`None`) only prices have
    /// changed.
    fn check_failures(
        &self,
        mut failed: Vec<FailedCondition<Write<'_>>>,
        offers: &HashMap<ProductId, OfferedProduct>,
    ) -> Result<Option<Order>, PlaceOrderError> {
        if let Some(existing) = failed.iter_mut().find(|condition| matches!(condition.label, Write::Order)) {
            return Ok(Some(Orders::read(existing.item.take().unwrap_or_default())?));
        }
        let (mut unknown, mut shortages) = (Vec::new(), Vec::new());
        for FailedCondition { label, item } in failed {
            let Write::Reservation(requested) = label else { continue };
            match Catalog::reservation_failure(item, requested.quantity)? {
                ReservationFailure::UnknownProduct => unknown.push(requested),
                ReservationFailure::OutOfStock { available } => shortages.push(Shortage {
                    product_id: requested.product_id.clone(),
                    requested: requested.quantity.get(),
                    available,
                }),
                ReservationFailure::PriceChanged(price) => {
                    let offered = offers[&requested.product_id].clone();
                    self.offers.remember(OfferedProduct { price, ..offered });
                }
            }
        }
        if !unknown.is_empty() {
            Err(unknown_products(&unknown))
        } else if !shortages.is_empty() {
            Err(PlaceOrderError::OutOfStock(shortages))
        } else {
            Ok(None)
        }
    }
}

/// The more lines an order has, the fewer retries: as many as write [`ITEMS_WRITTEN_AGAIN`] items, the order's own among them.
/// That is 50 with one line (more than there is time for), 9 with ten and one with fifty.
fn conflict_retries(lines: usize, deadline: Deadline) -> ConflictRetries {
    let most = (ITEMS_WRITTEN_AGAIN / (lines + 1)).max(1);
    ConflictRetries { most: u32::try_from(most).unwrap_or(1), until: deadline.at_most(CONFLICTS_FOR) }
}

/// The stored order, if the request is a replay of the one that created it.
fn replayed(request: &OrderRequest, order: Order) -> Result<PlacedOrder, PlaceOrderError> {
    if order.request_hash == request.request_hash {
        Ok(PlacedOrder::Replayed(order))
    } else {
        Err(PlaceOrderError::IdempotencyKeyReused)
    }
}

fn unknown_products(items: &[&RequestedItem]) -> PlaceOrderError {
    PlaceOrderError::UnknownProducts(items.iter().map(|item| item.pointer.clone()).collect())
}

/// The order of the request at these prices.
fn new_order(
    request: &OrderRequest,
    offers: &HashMap<ProductId, OfferedProduct>,
) -> Result<Order, MoneyError> {
    let mut line_items = Vec::with_capacity(request.items.len());
    let mut total: Option<Money> = None;
    for item in &request.items {
        let offered = &offers[&item.product_id];
        let line_total = offered.price.times(item.quantity.get())?;
        total = Some(match total {
            Some(total) => total.plus(line_total)?,
            None => line_total,
        });
        line_items.push(LineItem {
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
        line_items,
        total: total.ok_or(MoneyError::TooLarge)?,
        email: request.email.clone(),
        payment_method: request.payment_method.clone(),
        request_hash: request.request_hash.clone(),
        correlation_id: request.correlation_id.clone(),
        history: vec![StatusChange { status: Status::Pending, at: now.clone(), reason: None }],
        created_at: now.clone(),
        updated_at: now,
        due: Some(Due::Payment),
        payment_intent: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_retried_less_the_more_lines_an_order_has_and_for_three_seconds_at_most() {
        let retries = |lines| conflict_retries(lines, Deadline::within(Duration::from_secs(9)));
        assert_eq!([1, 2, 10, 50].map(|lines| retries(lines).most), [50, 33, 9, 1]);
        assert!(retries(1).until.remaining() <= CONFLICTS_FOR);
        let soon = conflict_retries(1, Deadline::within(Duration::from_secs(1)));
        assert!(soon.until.remaining() <= Duration::from_secs(1), "not past the function's time");
    }
}
