//! A queue as an event source.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>: batches are received by long polling, what succeeds is
//! deleted, what fails stays until its visibility timeout ends, and the queue itself redrives it. The order within a
//! message group of a FIFO queue is the queue's doing too: it hands out nothing of a group that has messages in flight.

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

use super::{Batch, Delivered, Target, filter::Filter, payload};

/// The most messages of one receive or delete.
const LARGEST_RECEIVE: usize = 10;
/// Batches at once where the template sets no maximum. Lambda starts with as many and scales up to 1,250; here the
/// machine would be the bound long before.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const DEFAULT_CONCURRENCY: u32 = 5;
const DELETE_ATTEMPTS: u32 = 3;
/// How long to wait after a first throttled invocation; twice as long each time it happens again.
const AFTER_THROTTLE: Duration = Duration::from_millis(50);
const AFTER_THROTTLE_AT_MOST: Duration = Duration::from_secs(2);

/// A queue as its template and its endpoint know it.
#[derive(Clone, Debug)]
pub struct Place {
    /// A client for it.
    pub client: Client,
    /// Its URL.
    pub url: String,
    /// Its ARN.
    pub arn: String,
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
}

/// A queue that invokes a function.
#[derive(Debug)]
pub struct Sqs {
    queue: Place,
    source: SqsSource,
    filter: Filter,
    target: Target,
}

/// A received message and its shape for functions.
#[derive(Debug)]
struct Item {
    message: Message,
    record: Value,
    /// Bytes of the record as JSON.
    size: usize,
}

impl Sqs {
    /// The source, once its queue is there.
    #[must_use]
    pub fn new(queue: Place, source: SqsSource, filter: Filter, target: Target) -> Self {
        Self { queue, source, filter, target }
    }

    /// Polls until `stop`; batches that are under way then end by themselves.
    pub async fn run(self, stop: CancellationToken) {
        let concurrency = self.source.maximum_concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let permits = Arc::new(Semaphore::new(concurrency as usize));
        let source = Arc::new(self);
        let mut items = Vec::new();
        loop {
            let gathered = async {
                let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
                source.gather(&mut items).await;
                Some(permit)
            };
            let permit = tokio::select! {
                () = stop.cancelled() => return,
                permit = gathered => permit,
            };
            let Some(permit) = permit else { return };
            let size = source.source.batch_size as usize;
            // What does not fit begins the next batch.
            let count = payload::leading(items.iter().map(|item| item.size), size);
            let batch: Vec<Item> = items.drain(..count).collect();
            let (source, stop) = (Arc::clone(&source), stop.clone());
            tokio::spawn(async move {
                source.handle(batch, &stop).await;
                drop(permit);
            });
        }
    }

    /// Brings a batch to its end: what is done is deleted, the rest comes again when its visibility timeout ends.
    async fn handle(&self, items: Vec<Item>, stop: &CancellationToken) {
        let (messages, records): (Vec<_>, Vec<_>) =
            items.into_iter().map(|item| (item.message, item.record)).unzip();
        let batch = Batch {
            event: json!({"Records": records}),
            identifiers: messages.iter().map(|message| message.message_id().unwrap_or_default()).collect(),
            reports_failures: self.source.report_batch_item_failures,
        };
        let done: Vec<&Message> = match self.deliver(&batch, stop).await {
            Delivered::Done => messages.iter().collect(),
            Delivered::Failed(failed) => {
                let succeeded = messages.iter().enumerate().filter(|(index, _)| !failed.contains(index));
                succeeded.map(|(_, message)| message).collect()
            }
            Delivered::AllFailed | Delivered::Throttled => Vec::new(),
        };
        self.delete(&done).await;
    }

    /// Invokes the function. As long as the messages stay hidden, a throttled invocation is tried again.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
    async fn deliver(&self, batch: &Batch<'_>, stop: &CancellationToken) -> Delivered {
        let hidden_until = Instant::now() + self.queue.visibility_timeout;
        let mut pause = AFTER_THROTTLE;
        loop {
            let delivered = self.target.deliver(batch).await;
            let over = stop.is_cancelled() || Instant::now() + pause >= hidden_until;
            if delivered != Delivered::Throttled || over {
                return delivered;
            }
            sleep(pause).await;
            pause = (pause * 2).min(AFTER_THROTTLE_AT_MOST);
        }
    }

    /// Deletes messages; entries that SQS does not take are tried again, and come again if that does not help.
    async fn delete(&self, messages: &[&Message]) {
        for chunk in messages.chunks(LARGEST_RECEIVE) {
            let left = self.delete_some(chunk).await;
            if left > 0 {
                let arn = &self.queue.arn;
                let text = format!("{left} messages of {arn} could not be deleted and will come again");
                self.target.report.note(&text);
            }
        }
    }

    /// How many could not be deleted.
    async fn delete_some(&self, messages: &[&Message]) -> usize {
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
            if let Ok(answer) = request.set_entries(Some(entries)).send().await {
                let failed = answer
                    .failed()
                    .iter()
                    .filter_map(|entry| left.get(entry.id().parse::<usize>().ok()?).copied());
                left = failed.collect();
            }
        }
        left.len()
    }
}
