//! How an order is stored.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use catalog::{ProductId, Quantity};
use domain_primitives::{Currency, Money, MoneyError, Timestamp};
use lambda_kit::Error;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1 as serde_dynamo;

use crate::{
    ids::OrderId,
    order::{Due, LineItem, Order, StatusChange},
    status::Status,
};

/// An item as the SDK represents it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The number of partitions of the `due` index: one accepts 1,000 writes a second.
pub(crate) const DUE_SHARDS: u128 = 16;
/// How long after it fell due the sweep looks for an order first. A payment takes seconds, or a few minutes with all
/// retries: an order that is due for longer is lost, or its message waits in a long queue.
const FIRST_SWEEP_AFTER: Duration = Duration::from_secs(10 * 60);
/// The longest time between two requests of the sweep for one order.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);

#[derive(Serialize, Deserialize)]
struct OrderRecord {
    order_id: OrderId,
    status: Status,
    items: Vec<LineItemRecord>,
    /// Minor units.
    total: u64,
    currency: Currency,
    customer: CustomerRecord,
    payment_method: String,
    request_hash: String,
    #[serde(default)]
    correlation_id: String,
    history: Vec<StatusChange>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Only orders for which a payment or refund is due have it, so only they are in the `due` index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_shard: Option<String>,
    /// When the sweep requests what is due, if it is still due then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_intent: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct LineItemRecord {
    product_id: ProductId,
    name: String,
    quantity: i64,
    unit_price: u64,
    line_total: u64,
}

#[derive(Serialize, Deserialize)]
struct CustomerRecord {
    email: String,
}

/// The partition of the `due` index that holds this order.
pub(crate) fn due_shard(order_id: OrderId) -> String {
    shard_name(order_id.as_u128() % DUE_SHARDS)
}

/// When the sweep looks next for what has been due for `age`: after as long again, so ever more rarely.
pub(crate) fn next_sweep(age: Duration) -> Timestamp {
    Timestamp::after(age.clamp(FIRST_SWEEP_AFTER, LONGEST_PAUSE))
}

/// The name of a partition of the `due` index: `00` to `15`.
pub(crate) fn shard_name(shard: u128) -> String {
    format!("{shard:02}")
}

/// The order as an item.
///
/// # Errors
/// Never in practice: every part of an order can be stored.
pub fn write(order: &Order) -> Result<Item, Error> {
    let items = order.line_items.iter().map(|line| LineItemRecord {
        product_id: line.product_id.clone(),
        name: line.name.clone(),
        quantity: i64::from(line.quantity.get()),
        unit_price: line.unit_price.amount(),
        line_total: line.line_total.amount(),
    });
    let item = OrderRecord {
        order_id: order.order_id,
        status: order.status,
        items: items.collect(),
        total: order.total.amount(),
        currency: order.total.currency(),
        customer: CustomerRecord { email: order.email.clone() },
        payment_method: order.payment_method.clone(),
        request_hash: order.request_hash.clone(),
        correlation_id: order.correlation_id.clone(),
        history: order.history.clone(),
        created_at: order.created_at.clone(),
        updated_at: order.updated_at.clone(),
        due_shard: order.due.map(|_| due_shard(order.order_id)),
        due_at: order.due.map(|_| next_sweep(Duration::ZERO)),
        payment_intent: order.payment_intent.clone(),
    };
    serde_dynamo::to_item(item).map_err(|error| Error::Internal(format!("cannot write an order: {error}")))
}

/// Reads the order from an item.
pub(crate) fn read(item: Item) -> Result<Order, Error> {
    let item: OrderRecord =
        serde_dynamo::from_item(item).map_err(|error| Error::unreadable("an order", error))?;
    let lines: Result<Vec<LineItem>, String> =
        item.items.into_iter().map(|line| line.read(item.currency)).collect();
    Ok(Order {
        order_id: item.order_id,
        status: item.status,
        due: item.due_shard.map(|_| match item.status {
            Status::Pending => Due::Payment,
            _ => Due::Refund,
        }),
        line_items: lines.map_err(|error| Error::unreadable("an order's line", error))?,
        total: Money::new(item.total, item.currency)
            .map_err(|error| Error::unreadable("an order's total", error))?,
        email: item.customer.email,
        payment_method: item.payment_method,
        request_hash: item.request_hash,
        correlation_id: item.correlation_id,
        history: item.history,
        created_at: item.created_at,
        updated_at: item.updated_at,
        payment_intent: item.payment_intent,
    })
}

impl LineItemRecord {
    fn read(self, currency: Currency) -> Result<LineItem, String> {
        let money = |amount| Money::new(amount, currency).map_err(|error: MoneyError| error.to_string());
        Ok(LineItem {
            quantity: Quantity::try_from(self.quantity).map_err(|error| error.to_string())?,
            unit_price: money(self.unit_price)?,
            line_total: money(self.line_total)?,
            product_id: self.product_id,
            name: self.name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::tests::order;

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let order = order();
        let item = write(&order).unwrap();
        assert_eq!(item["due_shard"], AttributeValue::S(due_shard(order.order_id)));
        assert_eq!(read(item).unwrap(), order);

        let paid =
            Order { status: Status::Confirmed, due: None, payment_intent: Some("pi_1".to_owned()), ..order };
        let item = write(&paid).unwrap();
        assert!(
            !item.contains_key("due_shard") && !item.contains_key("due_at"),
            "nothing is due: not in the index"
        );
        let cancelled = Order { status: Status::Cancelled, due: Some(Due::Refund), ..paid };
        assert_eq!(read(write(&cancelled).unwrap()).unwrap(), cancelled);
    }

    #[test]
    fn the_sweep_asks_ever_more_rarely() {
        let minutes = |number: u64| Duration::from_secs(60 * number);
        for (age, pause) in [(0, 10), (5, 10), (60, 60), (60 * 24, 360)] {
            let next = next_sweep(minutes(age));
            assert!(
                next > Timestamp::after(minutes(pause - 1)) && next <= Timestamp::after(minutes(pause)),
                "{age}"
            );
        }
    }
}
