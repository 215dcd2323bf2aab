//! What tests read and write in the tables and queues of a shop, past its API.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::AttributeValue::{self, N, S},
};
use aws_sdk_sqs::types::QueueAttributeName::{
    ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
};
use domain_primitives::Timestamp;
use serde_json::{Value, json};

use crate::{Shop, snapshot::Item};

/// The event of a batch of one payment request, received so many times.
#[must_use]
pub fn payment_event(order_id: &str, receives: u32) -> Value {
    json!({"Records": [{"messageId": "m", "receiptHandle": "m", "body": json!({"order_id": order_id}).to_string(),
        "attributes": {"ApproximateReceiveCount": receives.to_string()}}]})
}

impl Shop {
    /// Brings pieces of a product; `needs!(Tables)`.
    ///
    /// # Panics
    /// When the table does not take them.
    pub async fn restock(&self, product_id: &str, pieces: i64) {
        let update = self.offer(product_id).update_expression("ADD available :pieces");
        update.expression_attribute_values(":pieces", N(pieces.to_string())).send().await.unwrap();
    }

    /// Changes a product's price by minor units; `needs!(Tables)`.
    ///
    /// # Panics
    /// When the table does not take it.
    pub async fn raise_price(&self, product_id: &str, by: i64) {
        let update = self.offer(product_id).update_expression("ADD price :by");
        update.expression_attribute_values(":by", N(by.to_string())).send().await.unwrap();
    }

    /// Takes a product out of the catalogue; `needs!(Tables)`, and a stack that no other test will find so.
    ///
    /// # Panics
    /// When the table does not take it.
    pub async fn discontinue(&self, product_id: &str) {
        for record in ["product", "offer"] {
            let delete = self.aws.dynamodb().delete_item().table_name(self.table("CatalogTable"));
            let delete =
                delete.key("product_id", S(product_id.to_owned())).key("record", S(record.to_owned()));
            delete.send().await.unwrap();
        }
    }

    /// The order in its table, without a function that reads it; `needs!(Tables)`.
    ///
    /// # Panics
    /// When there is none.
    pub async fn stored(&self, order_id: &str) -> Item {
        let get = self.aws.dynamodb().get_item().table_name(self.table("OrdersTable"));
        let get = get.key("order_id", S(order_id.to_owned())).consistent_read(true);
        get.send().await.unwrap().item.unwrap_or_else(|| panic!("{order_id} is no order"))
    }

    /// Changes attributes of an order past every function; `needs!(Tables)`.
    ///
    /// # Panics
    /// When the table does not take it.
    pub async fn rewrite(
        &self,
        order_id: &str,
        attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) {
        let mut update = self.aws.dynamodb().update_item().table_name(self.table("OrdersTable"));
        let mut sets = Vec::new();
        for (number, (name, value)) in attributes.into_iter().enumerate() {
            sets.push(format!("#{number} = :{number}"));
            update = update.expression_attribute_names(format!("#{number}"), name);
            update = update.expression_attribute_values(format!(":{number}"), value);
        }
        let update = update.key("order_id", S(order_id.to_owned()));
        update.update_expression(format!("SET {}", sets.join(", "))).send().await.unwrap();
    }

    /// Gives an order this status, with its payment or refund due since an hour ago, as if the stream record and the
    /// message that carry it had been lost; `needs!(Tables)`.
    ///
    /// # Panics
    /// When the table does not take it.
    pub async fn make_overdue(&self, order_id: &str, status: &str) {
        let shard = u128::from_str_radix(&order_id.replace('-', ""), 16).unwrap() % 16;
        let hour_ago = Timestamp::ago(Duration::from_secs(3600)).to_string();
        let due = [
            ("status", status.to_owned()),
            ("due_shard", format!("{shard:02}")),
            ("due_at", hour_ago.clone()),
            ("updated_at", hour_ago.clone()),
            ("created_at", hour_ago),
        ];
        self.rewrite(order_id, due.map(|(name, value)| (name, S(value)))).await;
    }

    /// Makes an order so old that it is given up at its next attempt; `needs!(Tables)`.
    ///
    /// # Panics
    /// When the table does not take it.
    pub async fn make_old(&self, order_id: &str) {
        let long_ago = Timestamp::ago(Duration::from_secs(24 * 3600)).to_string();
        self.rewrite(order_id, [("created_at", S(long_ago))]).await;
    }

    /// Puts a message into a queue; `needs!(Queues)`.
    ///
    /// # Panics
    /// When the queue does not take it.
    pub async fn send(&self, queue: &str, body: impl ToString) {
        let send = self.aws.sqs().send_message().queue_url(self.queue(queue));
        send.message_body(body.to_string()).send().await.unwrap();
    }

    /// The messages in a queue, received or not; `needs!(Queues)`.
    ///
    /// # Panics
    /// When the queue does not return its attributes.
    pub async fn messages_in(&self, queue: &str) -> u32 {
        messages_in(&self.aws.sqs(), &self.queue(queue)).await
    }

    fn offer(&self, product_id: &str) -> UpdateItemFluentBuilder {
        let update = self.aws.dynamodb().update_item().table_name(self.table("CatalogTable"));
        update.key("product_id", S(product_id.to_owned())).key("record", S("offer".to_owned()))
    }
}

/// The messages in the queue at a URL, received or not.
pub(crate) async fn messages_in(sqs: &aws_sdk_sqs::Client, queue: &str) -> u32 {
    let names = [ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible];
    let attributes = sqs.get_queue_attributes().queue_url(queue).set_attribute_names(Some(names.to_vec()));
    let response = attributes.send().await.unwrap();
    response.attributes().unwrap().values().map(|number| number.parse::<u32>().unwrap()).sum()
}
