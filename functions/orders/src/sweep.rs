//! The sweep: no order stays PENDING forever, and no refund is forgotten.
//!
//! Usually the stream and the queue bring every order to its end. If both lose one (a record that expired, a message after
//! its retention period, a bug), the sweep finds the order in the sparse index of what is due, and sends its payment
//! request again. A repeated request is harmless, because payments and refunds are idempotent; but it is made ever more
//! rarely, so that orders whose message only waits in a long queue are not sent again in every run.
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
    item::{DUE_SHARDS, Item, shard_name},
    payment_request::PaymentRequest,
    store::Orders,
};

/// The orders that are read, requested and postponed at once in one partition of the index: one batch of SQS messages.
const CHUNK: i32 = 10;
/// A partition begins no more chunks when less time than this is left.
const CHUNK_TIME: Duration = Duration::from_secs(10);

/// The result of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// The number of overdue orders that were found.
    pub overdue: usize,
    /// The number of those whose payment or refund was requested again.
    pub requested: usize,
}

/// An overdue order, as the index shows it.
#[derive(Debug)]
struct Overdue {
    order_id: OrderId,
    /// Since when its payment or refund is due.
    since: Timestamp,
}

/// Requests the payment or refund of every overdue order again, in all partitions of the index side by side.
///
/// When the time runs out first, an error is logged; the next run goes on with what is left.
///
/// # Errors
/// When a partition cannot be read; the others have been swept all the same. Requests that SQS does not accept are
/// logged, and the next run repeats them.
pub async fn sweep(orders: &Orders, queue: &Queue, deadline: Deadline) -> Result<Swept, Error> {
    let mut total = Swept::default();
    let mut failure = None;
    let shards = (0..DUE_SHARDS).map(|shard| sweep_shard(orders, queue, shard_name(shard), deadline));
    for result in join_all(shards).await {
        match result {
            Ok(swept) => {
                total.overdue += swept.overdue;
                total.requested += swept.requested;
            }
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(total), Err)
}

async fn sweep_shard(
    orders: &Orders,
    queue: &Queue,
    shard: String,
    deadline: Deadline,
) -> Result<Swept, Error> {
    let now = Timestamp::now();
    let mut swept = Swept::default();
    let mut start = None;
    loop {
        let request = orders
            .client()
            .query()
            .table_name(&orders.table)
            .index_name("due")
            .key_condition_expression("due_shard = :shard AND due_at < :now")
            .expression_attribute_values(":shard", AttributeValue::S(shard.clone()))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
            .limit(CHUNK)
            .set_exclusive_start_key(start);
        let page = deadline.send("DynamoDB", request.send()).await?;
        let overdue: Vec<_> = page.items().iter().filter_map(read).collect();
        swept.overdue += overdue.len();
        swept.requested += request_again(orders, queue, &overdue, deadline).await?;
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(swept);
        }
        if deadline.remaining() < CHUNK_TIME {
            tracing::error!(shard, "more orders are overdue than one run can request: the next run goes on");
            return Ok(swept);
        }
    }
}

/// Sends the requests of a chunk, and postpones the next ones of the orders that were sent. In this order, so that an order
/// is at worst requested twice.
async fn request_again(
    orders: &Orders,
    queue: &Queue,
    overdue: &[Overdue],
    deadline: Deadline,
) -> Result<usize, Error> {
    let messages: Result<Vec<_>, Error> = overdue
        .iter()
        .map(|order| {
            let body = PaymentRequest { order_id: order.order_id }.to_body()?;
            Ok(OutgoingMessage { body, correlation_id: None })
        })
        .collect();
    let results = queue.send(&messages?, deadline).await;
    let mut sent = Vec::new();
    for (order, result) in overdue.iter().zip(results) {
        match result {
            Ok(()) => sent.push(order),
            Err(error) => tracing::warn!(order_id = %order.order_id, %error, "payment not requested"),
        }
    }
    let postponed = sent.iter().map(|order| orders.postpone(order.order_id, &order.since, deadline));
    for result in join_all(postponed).await {
        if let Err(error) = result {
            tracing::warn!(%error, "the next run requests an order again");
        }
    }
    Ok(sent.len())
}

fn read(item: &Item) -> Option<Overdue> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    let order_id = text("order_id").parse();
    let order_id =
        order_id.inspect_err(|error| tracing::error!(%error, "an order id in the index cannot be read"));
    let since = Timestamp::try_from(text("updated_at"));
    // Without a readable time the order is requested in every run: it must not be lost.
    let since = since.unwrap_or_else(|_| Timestamp::now());
    Some(Overdue { order_id: order_id.ok()?, since })
}
