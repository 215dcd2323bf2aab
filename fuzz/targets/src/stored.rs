//! What is read from the orders table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use orders::{Orders, write_item};
use serde_json::Value;

/// An item in DynamoDB's JSON. An order that is read is written as an order that reads the same, and can be answered.
pub(crate) fn order_item(bytes: &[u8]) {
    let Ok(item) = serde_json::from_slice::<serde_dynamo::Item>(bytes) else { return };
    let item: HashMap<String, AttributeValue> = item.into();
    let Ok(order) = Orders::read(item) else { return };
    let Ok(written) = write_item(&order) else { panic!("{order:?} cannot be written") };
    assert_eq!(Orders::read(written).ok().as_ref(), Some(&order));
    let view = serde_json::to_value(order.view()).unwrap_or_default();
    assert_eq!(view["order_id"], order.order_id.to_string());
    for secret in ["email", "customer", "payment_method", "request_hash"] {
        assert_eq!(view.get(secret), None::<&Value>, "no answer holds {secret}");
    }
}
