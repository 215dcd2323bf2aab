//! A queue as an event source.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>: batches are received by long polling, what succeeds is
//! deleted, what fails stays until its visibility timeout ends, and the queue itself redrives it.

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::timeout::TimeoutConfig,
    types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sam_template::SqsSource;
use serde_json::{Map, Value, json};
use shared::error::chain;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Batch, Delivered, Target, filter::Filter};

/// The longest that SQS lets a receive wait.
const LONG_POLL: Duration = Duration::from_secs(20);
/// The most messages of one receive or delete.
const LARGEST_RECEIVE: usize = 10;
/// Batches at once where the template sets no maximum: what Lambda starts with.
const DEFAULT_CONCURRENCY: u32 = 5;
/// How long to wait after a receive that failed.
const AFTER_ERROR: Duration = Duration::from_secs(1);
const DELETE_ATTEMPTS: u32 = 3;

/// A queue that invokes a function.
#[derive(Debug)]
pub struct Sqs {
    client: Client,
    url: String,
    arn: String,
    source: SqsSource,
    filter: Filter,
    target: Target,
}

impl Sqs {
    /// The source, once its queue is there.
    #[must_use]
    pub fn new(
        client: Client,
        url: String,
        arn: String,
        source: SqsSource,
        filter: Filter,
        target: Target,
    ) -> Self {
        Self { client, url, arn, source, filter, target }
    }

    /// Polls until `stop`; batches that are under way then end by themselves.
    pub async fn run(self, stop: CancellationToken) {
        let concurrency = self.source.maximum_concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let permits = Arc::new(Semaphore::new(concurrency as usize));
        let source = Arc::new(self);
        loop {
            let received = async {
                let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
                Some((permit, source.receive_batch().await))
            };
            let received = tokio::select! {
                () = stop.cancelled() => return,
                received = received => received,
            };
            let Some((permit, messages)) = received else { return };
            let source = Arc::clone(&source);
            tokio::spawn(async move {
                source.handle(messages).await;
                drop(permit);
            });
        }
    }

    /// Up to a batch of messages; waits for the first as long as it takes, for the others through the window.
    async fn receive_batch(&self) -> Vec<Message> {
        let size = self.source.batch_size as usize;
        let mut messages = Vec::new();
        let mut until: Option<Instant> = None;
        loop {
            let left = until.map_or(LONG_POLL, |until| until.saturating_duration_since(Instant::now()));
            let received = self.receive((size - messages.len()).min(LARGEST_RECEIVE), left).await;
            let enough = received.len() < LARGEST_RECEIVE;
            messages.extend(received);
            if messages.is_empty() {
                continue;
            }
            let until = *until.get_or_insert_with(|| Instant::now() + self.source.window);
            let over = Instant::now() >= until;
            if messages.len() >= size || (over && (enough || self.source.window.is_zero())) {
                return messages;
            }
        }
    }

    async fn receive(&self, most: usize, wait: Duration) -> Vec<Message> {
        // The call itself may last as long as it waits.
        let patience =
            TimeoutConfig::builder().operation_attempt_timeout(LONG_POLL + Duration::from_secs(5)).build();
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(most).unwrap_or(1))
            .wait_time_seconds(i32::try_from(wait.as_secs().min(LONG_POLL.as_secs())).unwrap_or(0))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .customize()
            .config_override(aws_sdk_sqs::Config::builder().timeout_config(patience));
        match request.send().await {
            Ok(answer) => answer.messages.unwrap_or_default(),
            Err(error) => {
                let why = chain(&error);
                self.target.report.note(&format!("cannot receive from {}: {why}", self.arn));
                sleep(AFTER_ERROR).await;
                Vec::new()
            }
        }
    }

    async fn handle(&self, messages: Vec<Message>) {
        let records: Vec<_> = messages.iter().map(|message| self.record(message)).collect();
        let (mut done, mut wanted) = (Vec::new(), Vec::new());
        for (message, record) in messages.iter().zip(records) {
            // Messages that no pattern lets through are deleted, as Lambda does.
            if self.filter.passes(&filterable(&record)) {
                wanted.push((message, record));
            } else {
                done.push(message);
            }
        }
        if !wanted.is_empty() {
            let (messages, records): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
            let batch = Batch {
                event: json!({"Records": records}),
                identifiers: messages
                    .iter()
                    .map(|message| message.message_id().unwrap_or_default())
                    .collect(),
                reports_failures: self.source.report_batch_item_failures,
            };
            match self.target.deliver(&batch).await {
                Delivered::Done => done.extend(messages),
                Delivered::Failed(failed) => {
                    let succeeded =
                        messages.into_iter().enumerate().filter(|(index, _)| !failed.contains(index));
                    done.extend(succeeded.map(|(_, message)| message));
                }
                Delivered::AllFailed => {}
            }
        }
        for chunk in done.chunks(LARGEST_RECEIVE) {
            self.delete(chunk).await;
        }
    }

    /// Deletes messages; entries that SQS does not take are tried again, and come again if that does not help.
    async fn delete(&self, messages: &[&Message]) {
        let mut left: Vec<&str> = messages.iter().filter_map(|message| message.receipt_handle()).collect();
        for _ in 0..DELETE_ATTEMPTS {
            let entry = |(index, handle): (usize, &&str)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(*handle).build().ok()
            };
            let entries: Vec<_> = left.iter().enumerate().filter_map(entry).collect();
            if entries.is_empty() {
                return;
            }
            let request = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
            if let Ok(answer) = request.send().await {
                let failed = answer
                    .failed()
                    .iter()
                    .filter_map(|entry| left.get(entry.id().parse::<usize>().ok()?).copied());
                left = failed.collect();
            }
        }
        self.target.report.note(&format!(
            "{} messages of {} could not be deleted and will come again",
            left.len(),
            self.arn
        ));
    }

    fn record(&self, message: &Message) -> Value {
        let attributes: Map<String, Value> = message
            .attributes()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
            .collect();
        let message_attributes = message.message_attributes().into_iter().flatten().map(|(name, value)| {
            let mut attribute =
                json!({"dataType": value.data_type(), "stringListValues": [], "binaryListValues": []});
            if let Some(text) = value.string_value() {
                attribute["stringValue"] = json!(text);
            }
            if let Some(bytes) = value.binary_value() {
                attribute["binaryValue"] = json!(STANDARD.encode(bytes));
            }
            (name.clone(), attribute)
        });
        json!({
            "messageId": message.message_id(),
            "receiptHandle": message.receipt_handle(),
            "body": message.body(),
            "attributes": attributes,
            "messageAttributes": message_attributes.collect::<Map<_, _>>(),
            "md5OfBody": message.md5_of_body(),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": self.target.places.region,
        })
    }
}

/// What patterns look at: the record with its body as JSON, if it is JSON.
fn filterable(record: &Value) -> Value {
    let mut record = record.clone();
    if let Some(body) = record["body"].as_str().and_then(|body| serde_json::from_str(body).ok()) {
        record["body"] = body;
    }
    record
}
