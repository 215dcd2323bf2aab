//! An event source mapping of a queue.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>: messages are received by long polling. Those that
//! succeed are deleted; those that fail become visible again after their visibility timeout, and the queue itself
//! redrives them. A FIFO queue also keeps the order of a message group itself: while messages of a group are in flight, it
//! delivers no others of it.

mod queue;
pub mod record;

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::types::Message;
use sam_template::SqsSource;
use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use self::queue::LONG_POLL;
pub use self::queue::SourceQueue;
use super::{Batch, BatchResult, Target, filter::Filter, payload};
use crate::invocation::LARGEST_PAYLOAD;

/// Concurrent batches if the template sets no `MaximumConcurrency`. Lambda starts with as many and scales up to 1,250,
/// which is more than this machine can run.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const DEFAULT_CONCURRENCY: u32 = 5;
/// The wait after a first throttled invocation; twice as long after each further one.
const AFTER_THROTTLE: Duration = Duration::from_millis(50);
const AFTER_THROTTLE_AT_MOST: Duration = Duration::from_secs(2);
/// How often to poll in the last second of a batch window, which is too short for a long poll.
const POLL_EVERY: Duration = Duration::from_millis(50);
/// The wait after a failed receive.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// A queue that invokes a function.
#[derive(Debug)]
pub struct SqsMapping {
    queue: SourceQueue,
    source: SqsSource,
    filter: Filter,
    target: Target,
}

/// A received message and the shape that functions receive.
#[derive(Debug)]
struct Item {
    message: Message,
    record: Value,
    /// Bytes of the record as JSON.
    size: usize,
}

impl SqsMapping {
    /// The mapping of an existing queue.
    #[must_use]
    pub fn new(queue: SourceQueue, source: SqsSource, filter: Filter, target: Target) -> Self {
        Self { queue, source, filter, target }
    }

    /// Polls until `stop`. Batches that are being processed then end by themselves.
    pub async fn run(self, stop: CancellationToken) {
        let concurrency = self.source.maximum_concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let permits = Arc::new(Semaphore::new(concurrency as usize));
        let mapping = Arc::new(self);
        let mut items = Vec::new();
        loop {
            let gathered = async {
                let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
                mapping.gather(&mut items).await;
                Some(permit)
            };
            let permit = tokio::select! {
                () = stop.cancelled() => return,
                permit = gathered => permit,
            };
            let Some(permit) = permit else { return };
            let size = mapping.source.batch_size as usize;
            // The other items are in the next batch.
            let count = payload::batch_length(items.iter().map(|item| item.size), size);
            let batch: Vec<Item> = items.drain(..count).collect();
            let (mapping, stop) = (Arc::clone(&mapping), stop.clone());
            tokio::spawn(async move {
                mapping.process(batch, &stop).await;
                drop(permit);
            });
        }
    }

    /// Invokes the function with a batch, and deletes the messages that succeeded. The others become visible again when
    /// their visibility timeout ends.
    async fn process(&self, items: Vec<Item>, stop: &CancellationToken) {
        let (messages, records): (Vec<_>, Vec<_>) =
            items.into_iter().map(|item| (item.message, item.record)).unzip();
        let batch = Batch {
            event: json!({"Records": records}),
            identifiers: messages.iter().map(|message| message.message_id().unwrap_or_default()).collect(),
            reports_failures: self.source.report_batch_item_failures,
        };
        let succeeded: Vec<&Message> = match self.invoke(&batch, stop).await {
            BatchResult::AllSucceeded => messages.iter().collect(),
            BatchResult::SomeFailed(failed) => {
                let others = messages.iter().enumerate().filter(|(index, _)| !failed.contains(index));
                others.map(|(_, message)| message).collect()
            }
            BatchResult::AllFailed | BatchResult::Throttled => Vec::new(),
        };
        self.delete(&succeeded).await;
    }

    /// Invokes the function. A throttled invocation is retried while the messages are invisible.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
    async fn invoke(&self, batch: &Batch<'_>, stop: &CancellationToken) -> BatchResult {
        let invisible_until = Instant::now() + self.queue.visibility_timeout;
        let mut pause = AFTER_THROTTLE;
        loop {
            let result = self.target.invoke(batch).await;
            let last = stop.is_cancelled() || Instant::now() + pause >= invisible_until;
            if result != BatchResult::Throttled || last {
                return result;
            }
            sleep(pause).await;
            pause = (pause * 2).min(AFTER_THROTTLE_AT_MOST);
        }
    }

    /// Adds messages to `items` for the next batch. Waits for a first message without a limit, and then until the batch
    /// size, 6 MB or the end of the batch window is reached.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
    async fn gather(&self, items: &mut Vec<Item>) {
        let size = self.source.batch_size as usize;
        let window = || Instant::now() + self.source.window;
        let mut until = (!items.is_empty()).then(window);
        loop {
            let left = until.map_or(LONG_POLL, |until| until.saturating_duration_since(Instant::now()));
            let received = self.receive(size - items.len(), left).await;
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
        match self.queue.receive(most, wait).await {
            Ok(messages) => messages,
            Err(error) => {
                self.target.report.note(&format!("cannot receive from {}: {error}", self.queue.arn));
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

    /// Deletes messages. Those that cannot be deleted become visible again.
    async fn delete(&self, messages: &[&Message]) {
        let failed = self.queue.delete(messages).await;
        if failed > 0 {
            self.target.report.note(&format!(
                "{failed} messages of {} could not be deleted and will be received again",
                self.queue.arn
            ));
        }
    }
}
