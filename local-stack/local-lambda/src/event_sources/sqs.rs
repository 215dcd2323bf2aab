//! An event source mapping of a queue.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>: messages are received by long polling. Those that
//! succeed are deleted; those that fail become visible again after their visibility timeout, and the queue itself
//! redrives them. A FIFO queue also keeps the order of a message group itself: while messages of a group are in flight, it
//! delivers no others of it.

mod poller;
pub mod record;

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    types::{DeleteMessageBatchRequestEntry, Message},
};
use sam_template::SqsSource;
use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Batch, BatchResult, Target, filter::Filter, payload};

/// The most messages in one `ReceiveMessage` or `DeleteMessageBatch`.
const LARGEST_RECEIVE: usize = 10;
/// Concurrent batches if the template sets no `MaximumConcurrency`. Lambda starts with as many and scales up to 1,250,
/// which is more than this machine can run.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const DEFAULT_CONCURRENCY: u32 = 5;
const DELETE_ATTEMPTS: u32 = 3;
/// The wait after a first throttled invocation; twice as long after each further one.
const AFTER_THROTTLE: Duration = Duration::from_millis(50);
const AFTER_THROTTLE_AT_MOST: Duration = Duration::from_secs(2);

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

    /// Deletes messages. Entries that fail are retried; after that, their messages become visible again.
    async fn delete(&self, messages: &[&Message]) {
        for chunk in messages.chunks(LARGEST_RECEIVE) {
            let left = self.delete_chunk(chunk).await;
            if left > 0 {
                let arn = &self.queue.arn;
                let text =
                    format!("{left} messages of {arn} could not be deleted and will be received again");
                self.target.report.note(&text);
            }
        }
    }

    /// Deletes at most ten messages, and returns how many could not be deleted.
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
            let queue = &self.queue;
            let request = queue.client.delete_message_batch().queue_url(&queue.url);
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
