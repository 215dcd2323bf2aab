//! The calls to the queue of an event source mapping.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    config::timeout::TimeoutConfig,
    types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName},
};
use embedded_dynamodb::error_chain;

/// The most messages in one `ReceiveMessage` or `DeleteMessageBatch`.
const LARGEST_BATCH: usize = 10;
const DELETE_ATTEMPTS: u32 = 3;
/// The longest and the shortest wait of a long poll, in SQS.
pub(super) const LONG_POLL: Duration = Duration::from_secs(20);
const SHORTEST_LONG_POLL: Duration = Duration::from_secs(1);

/// The queue of an event source mapping.
#[derive(Clone, Debug)]
pub struct SourceQueue {
    /// A client for its endpoint.
    pub client: Client,
    /// Its URL.
    pub url: String,
    /// Its ARN.
    pub arn: String,
    /// How long a received message stays invisible.
    pub visibility_timeout: Duration,
}

impl SourceQueue {
    /// Receives at most `most` messages, by long polling if `wait` is long enough.
    pub(super) async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>, String> {
        let wait = if wait < SHORTEST_LONG_POLL { Duration::ZERO } else { wait.min(LONG_POLL) };
        // A long poll takes longer than the usual timeout of a call.
        let timeout =
            TimeoutConfig::builder().operation_attempt_timeout(LONG_POLL + Duration::from_secs(5)).build();
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(most.min(LARGEST_BATCH)).unwrap_or(1))
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(0))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .customize()
            .config_override(aws_sdk_sqs::Config::builder().timeout_config(timeout));
        let response = request.send().await.map_err(|error| error_chain(&error))?;
        Ok(response.messages.unwrap_or_default())
    }

    /// Deletes messages, and returns how many could not be deleted. Entries that fail are retried.
    pub(super) async fn delete(&self, messages: &[&Message]) -> usize {
        let mut failed = 0;
        for chunk in messages.chunks(LARGEST_BATCH) {
            failed += self.delete_chunk(chunk).await;
        }
        failed
    }

    async fn delete_chunk(&self, messages: &[&Message]) -> usize {
        let mut left: Vec<&str> = messages.iter().filter_map(|message| message.receipt_handle()).collect();
        for _ in 0..DELETE_ATTEMPTS {
            let entry = |(index, handle): (usize, &&str)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(*handle).build().ok()
            };
            let entries: Vec<_> = left.iter().enumerate().filter_map(entry).collect();
            if entries.is_empty() {
                return 0;
            }
            let request = self.client.delete_message_batch().queue_url(&self.url);
            if let Ok(response) = request.set_entries(Some(entries)).send().await {
                let failed = response
                    .failed()
                    .iter()
                    .filter_map(|entry| left.get(entry.id().parse::<usize>().ok()?).copied());
                left = failed.collect();
            }
        }
        left.len()
    }
}
