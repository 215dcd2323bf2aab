//! The sweep: no order stays PENDING forever, and no refund stays due.
//!
//! Usually the stream and the queue bring every order to its end. If both lose one (a record after its last retry, a
//! message after its retention period, a bug), the sweep finds the order in the sparse index of what is due, and sends its
//! payment request again. A repeated request is harmless, because payments and refunds are idempotent.
//! docs/decisions/0003 explains why this is an index and not a replay.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain_primitives::Timestamp;
use futures_util::future::join_all;
use lambda_kit::{
    Deadline, Error,
    queue::{OutgoingMessage, Queue},
};

use crate::{
    ids::OrderId,
    item::{Item, PENDING_SHARDS, shard_name},
    payment_request::PaymentRequest,
    store::Orders,
};

/// A payment takes seconds, or a few minutes with all retries. An older order is lost, or its message waits in a long queue.
const OVERDUE_AFTER: Duration = Duration::from_secs(10 * 60);
/// The maximum number of orders of one index shard in one run, far more than are ever overdue. The oldest come first, so
/// without a limit, orders that no retry can end could use up the time of every run.
const MAX_PER_SHARD: usize = 2_000;

/// The result of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Swept {
    /// The number of overdue orders.
    pub overdue: usize,
    /// The number of those whose payment or refund was requested again.
    pub requested: usize,
}

/// Requests the payment or refund of every overdue order again. The age of an order counts from its creation, so the
/// refund of an older one may be requested while the first request is still in the queue.
///
/// # Errors
/// When an index shard cannot be read. Requests that SQS does not accept are logged, and the next run repeats them.
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
            .client()
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
        if overdue.len() >= MAX_PER_SHARD {
            tracing::error!(
                shard,
                "more orders are overdue than one run requests: the next run requests the others"
            );
            return Ok(overdue);
        }
    }
}

fn order_id(item: &Item) -> Option<OrderId> {
    let text = item.get("order_id")?.as_s().ok()?;
    text.parse().inspect_err(|error| tracing::error!(%error, "an order id in the index cannot be read")).ok()
}
