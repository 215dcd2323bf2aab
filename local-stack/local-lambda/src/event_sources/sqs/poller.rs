//! Gathers the messages of a batch.

use std::time::Duration;

use aws_sdk_sqs::{
    config::timeout::TimeoutConfig,
    types::{Message, MessageSystemAttributeName},
};
use embedded_dynamodb::error_chain;
use tokio::time::{Instant, sleep};

use super::{Item, LARGEST_RECEIVE, SqsMapping, record};
use crate::invocation::LARGEST_PAYLOAD;

/// The longest and the shortest wait of a long poll, in SQS.
const LONG_POLL: Duration = Duration::from_secs(20);
const SHORTEST_LONG_POLL: Duration = Duration::from_secs(1);
/// How often to poll in the last second of a batch window, which is too short for a long poll.
const POLL_EVERY: Duration = Duration::from_millis(50);
/// The wait after a failed receive.
const AFTER_ERROR: Duration = Duration::from_secs(1);

impl SqsMapping {
    /// Adds messages to `items` for the next batch. Waits for a first message without a limit, and then until the batch
    /// size, 6 MB or the end of the batch window is reached.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
    pub(super) async fn gather(&self, items: &mut Vec<Item>) {
        let size = self.source.batch_size as usize;
        let window = || Instant::now() + self.source.window;
        let mut until = (!items.is_empty()).then(window);
        loop {
            let left = until.map_or(LONG_POLL, |until| until.saturating_duration_since(Instant::now()));
            let received = self.receive((size - items.len()).min(LARGEST_RECEIVE), left).await;
            let idle = received.is_empty();
            items.extend(self.filter(received).await);
            if items.is_empty() {
                continue;
            }
            let until = *until.get_or_insert_with(window);
            let bytes: usize = items.iter().map(|item| item.size).sum();
            if items.len() >= size || bytes >= LARGEST_PAYLOAD || Instant::now() >= until {
                return;
            }
            if idle {
                sleep(POLL_EVERY).await;
            }
        }
    }

    async fn receive(&self, most: usize, wait: Duration) -> Vec<Message> {
        let wait = if wait < SHORTEST_LONG_POLL { Duration::ZERO } else { wait.min(LONG_POLL) };
        // A long poll takes longer than the usual timeout of a call.
        let timeout =
            TimeoutConfig::builder().operation_attempt_timeout(LONG_POLL + Duration::from_secs(5)).build();
        let queue = &self.queue;
        let request = queue
            .client
            .receive_message()
            .queue_url(&queue.url)
            .max_number_of_messages(i32::try_from(most).unwrap_or(1))
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(0))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .customize()
            .config_override(aws_sdk_sqs::Config::builder().timeout_config(timeout));
        match request.send().await {
            Ok(response) => response.messages.unwrap_or_default(),
            Err(error) => {
                self.target.report.note(&format!(
                    "cannot receive from {}: {}",
                    queue.arn,
                    error_chain(&error)
                ));
                sleep(AFTER_ERROR).await;
                Vec::new()
            }
        }
    }

    /// The messages that match the filter. The others are deleted.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html>
    async fn filter(&self, messages: Vec<Message>) -> Vec<Item> {
        let (mut items, mut others) = (Vec::new(), Vec::new());
        for message in messages {
            let record = record::record(&message, &self.queue.arn, &self.target.resource_ids.account.region);
            if self.filter.passes(&record::filterable(&record)) {
                let size = record.to_string().len();
                items.push(Item { message, record, size });
            } else {
                others.push(message);
            }
        }
        self.delete(&others.iter().collect::<Vec<_>>()).await;
        items
    }
}
