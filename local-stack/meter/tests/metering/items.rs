//! Items of the table under test.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::fixtures::{Dynamo, TABLE};

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// `id` of 1 byte and `pad` make `bytes` bytes together.
pub(crate) fn of_size(id: &str, bytes: usize) -> HashMap<String, AttributeValue> {
    assert_eq!(id.len(), 1);
    [("id".to_owned(), text(id)), ("pad".to_owned(), text(&"x".repeat(bytes - 3 - 3)))].into()
}

/// The same with a state, so that the item is in the index.
pub(crate) fn in_state(id: &str, state: &str, bytes: usize) -> HashMap<String, AttributeValue> {
    let mut item = of_size(id, bytes - 5 - state.len());
    item.insert("state".to_owned(), text(state));
    item
}

impl Dynamo {
    /// Puts items without the proxy.
    pub(crate) async fn given(&self, items: impl IntoIterator<Item = HashMap<String, AttributeValue>>) {
        for item in items {
            self.direct.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
        }
    }
}
