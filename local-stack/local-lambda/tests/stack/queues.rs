//! Queues in tests.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, SendMessageBatchRequestEntry};
use serde_json::Value;

use crate::harness::Running;

impl Running {
    /// The URL of a queue.
    pub(crate) fn queue(&self, logical_id: &str) -> String {
        self.stack.resource_ids.queue_urls[logical_id].clone()
    }

    /// Sends commands for the puppet, up to 10, in one call.
    pub(crate) async fn send_commands(&self, queue: &str, commands: &[Value]) {
        self.send_texts(queue, &commands.iter().map(Value::to_string).collect::<Vec<_>>()).await;
    }

    /// Sends up to 10 messages in one call.
    pub(crate) async fn send_texts(&self, queue: &str, texts: &[String]) {
        let entry = |(index, text): (usize, &String)| {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
            entry.message_body(text).build().unwrap()
        };
        let entries = texts.iter().enumerate().map(entry).collect();
        let request = self.sqs.send_message_batch().queue_url(self.queue(queue));
        let answer = request.set_entries(Some(entries)).send().await.unwrap();
        assert!(answer.failed().is_empty(), "{answer:?}");
    }

    /// Receives and deletes this many messages of a queue that no function reads, in the order of their arrival.
    pub(crate) async fn take(&self, queue: &str, count: usize) -> Vec<Message> {
        let (client, url) = (self.sqs.clone(), self.queue(queue));
        let taking = async {
            let mut taken = Vec::new();
            while taken.len() < count {
                let request = client.receive_message().queue_url(&url).wait_time_seconds(1);
                let request = request.max_number_of_messages(10).message_attribute_names("All");
                for message in request.send().await.unwrap().messages.unwrap_or_default() {
                    let handle = message.receipt_handle().unwrap();
                    client.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
                    taken.push(message);
                }
            }
            taken
        };
        let taken = tokio::time::timeout(Duration::from_secs(20), taking).await;
        taken.unwrap_or_else(|_| panic!("{queue} does not get {count} messages: {:#?}", self.lines()))
    }

    /// The bodies of this many messages, as JSON.
    pub(crate) async fn take_bodies(&self, queue: &str, count: usize) -> Vec<Value> {
        let messages = self.take(queue, count).await;
        messages.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap()).collect()
    }
}
