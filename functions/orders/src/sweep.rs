//! No order stays PENDING for ever, and no refund stays due.
//!
//! The stream and the queue carry every order to its end. Should both lose one (a record past its retries, a message
//! past its retention, a bug), the sweep finds it in the sparse index of orders for which something is due and asks again.
//! Asking twice is harmless: payments and refunds are idempotent. Why an index and not a replay: docs/decisions/0003.

use std::time::Duration;

use crate::ids::OrderId;
use aws_sdk_dynamodb::types::AttributeValue;
use domain_primitives::Timestamp;
use futures_util::future::join_all;
use lambda_kit::{
    Deadline, Error,
    queue::{OutgoingMessage, Queue},
};

use crate::{
    item::{Item, PENDING_SHARDS, shard_name},
    payment_request::PaymentRequest,
    store::Orders,
};

/// Payments take seconds, with all retries a few minutes: an order that is older is lost or waits in a long queue.
const OVERDUE_AFTER: Duration = Duration::from_secs(10 * 60);
/// Orders of one index shard in one run, far more than ever wait: the oldest come first, so without a bound those that
/// no retry can end would one day fill the run.
const MOST_PER_SHARD: usize = 2_000;

/// What one run did.
#[derive(Debug, PartialEq, Eq)]
pub struct Swept {
    /// Orders that were overdue.
    pub overdue: usize,
    /// Of those, the ones whose payment or refund was asked for again.
    pub requested: usize,
}

/// Asks again for the payment or refund of every overdue order. An order counts by the moment it was made: the refund
/// of an older one may be asked for while the first request for it is still on its way.
///
/// # Errors
/// When an index shard cannot be read. Orders that could not be asked for are logged and found by the next run.
pub async fn sweep(orders: &Orders, queue: &Queue, deadline: Deadline) -> Result<Swept, Error> {
    let before = Timestamp::ago(OVERDUE_AFTER);
    let shards = join_all((0..PENDING_SHARDS).map(|shard| overdue(orders, shard, &before, deadline))).await;
    let mut messages = Vec::new();
    for order_id in shards.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        messages.push(OutgoingMessage { body: PaymentRequest { order_id }.to_body()?, correlation_id: None });
    }
    let mut requested = 0;
    for result in queue.send(&messages, deadline).await {
        match result {
            Ok(()) => requested += 1,
            Err(error) => tracing::warn!(%error, "payment not requested"),
        }
    }
    Ok(Swept { overdue: messages.len(), requested })
}

/// The overdue orders of one index shard, the oldest first.
async fn overdue(
    orders: &Orders,
    shard: u128,
    before: &Timestamp,
    deadline: Deadline,
) -> Result<Vec<OrderId>, Error> {
    let mut overdue = Vec::new();
    let mut start = None;
    loop {
        let request = orders
            .client
            .query()
            .table_name(&orders.table)
            .index_name("pending")
            .key_condition_expression("pending_shard = :shard AND created_at < :before")
            .expression_attribute_values(":shard", AttributeValue::S(shard_name(shard)))
            .expression_attribute_values(":before", AttributeValue::S(before.to_string()))
            .set_exclusive_start_key(start);
        let page = deadline.send("DynamoDB", request.send()).await?;
        overdue.extend(page.items().iter().filter_map(order_id));
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(overdue);
        }
        if overdue.len() >= MOST_PER_SHARD {
            tracing::error!(
                shard,
                "more orders are overdue than one run asks for: the others wait for the next"
            );
            return Ok(overdue);
        }
    }
}

fn order_id(item: &Item) -> Option<OrderId> {
    let text = item.get("order_id")?.as_s().ok()?;
    text.parse().inspect_err(|error| tracing::error!(%error, "an order id in the index cannot be read")).ok()
}
