//! A DynamoDB stream as an event source.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>: each shard is read in order, one batch at a time; a
//! batch that fails is retried, split or given up before the next one is looked at.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodbstreams::{
    Client,
    types::{Record, Shard, ShardIteratorType},
};
use sam_template::{StartingPosition, StreamSource};
use serde_json::{Value, json};
use shared::{Timestamp, error::chain};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Batch, Delivered, Target, filter::Filter, stream_record};

/// How often an idle shard is looked at. Lambda does so four times a second; here it is cheap.
const POLL_EVERY: Duration = Duration::from_millis(50);
/// How often new shards are looked for.
const DISCOVER_EVERY: Duration = Duration::from_secs(5);
const RETRY_AFTER: Duration = Duration::from_millis(200);
const RETRY_AFTER_AT_MOST: Duration = Duration::from_secs(10);

/// The queue that hears of records that were given up.
#[derive(Clone, Debug)]
pub struct OnFailure {
    /// A client for it.
    pub client: aws_sdk_sqs::Client,
    /// Its URL.
    pub url: String,
}

/// A stream that invokes a function.
#[derive(Debug)]
pub struct Stream {
    client: Client,
    arn: String,
    source: StreamSource,
    filter: Filter,
    on_failure: Option<OnFailure>,
    target: Target,
}

/// A record and its shape for functions.
#[derive(Clone, Debug)]
struct Item {
    sequence_number: String,
    created: SystemTime,
    event: Value,
}

impl Stream {
    /// The source, once its stream is there.
    #[must_use]
    pub fn new(
        client: Client,
        arn: String,
        source: StreamSource,
        filter: Filter,
        on_failure: Option<OnFailure>,
        target: Target,
    ) -> Self {
        Self { client, arn, source, filter, on_failure, target }
    }

    /// Reads all shards until `stop`, each after its parent.
    pub async fn run(self, stop: CancellationToken) {
        let stream = Arc::new(self);
        let (mut known, mut ended) = (HashSet::new(), HashSet::new());
        let mut readers = JoinSet::new();
        let mut first = true;
        loop {
            for shard in stream.shards().await {
                let id = shard.shard_id().unwrap_or_default().to_owned();
                let waits = shard
                    .parent_shard_id()
                    .is_some_and(|parent| known.contains(parent) && !ended.contains(parent));
                if waits || !known.insert(id.clone()) {
                    continue;
                }
                // A shard that appears later holds what came after the start.
                let position = match stream.source.starting_position {
                    StartingPosition::Latest if first => ShardIteratorType::Latest,
                    _ => ShardIteratorType::TrimHorizon,
                };
                let (stream, stop) = (Arc::clone(&stream), stop.clone());
                readers.spawn(async move {
                    stream.read_shard(&id, position, &stop).await;
                    id
                });
            }
            first = false;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(Ok(id)) = readers.join_next(), if !readers.is_empty() => { ended.insert(id); }
                () = sleep(DISCOVER_EVERY) => {}
            }
        }
        while readers.join_next().await.is_some() {}
    }

    async fn shards(&self) -> Vec<Shard> {
        let mut shards = Vec::new();
        let mut after = None;
        loop {
            let request =
                self.client.describe_stream().stream_arn(&self.arn).set_exclusive_start_shard_id(after);
            match request.send().await {
                Ok(answer) => {
                    let description = answer.stream_description;
                    after = description.as_ref().and_then(|stream| stream.last_evaluated_shard_id.clone());
                    shards.extend(description.and_then(|stream| stream.shards).unwrap_or_default());
                }
                Err(error) => {
                    self.complain("describe", &error);
                    return shards;
                }
            }
            if after.is_none() {
                return shards;
            }
        }
    }

    async fn read_shard(&self, shard: &str, position: ShardIteratorType, stop: &CancellationToken) {
        let mut iterator = self.iterator(shard, position, None).await;
        let mut last: Option<String> = None;
        let mut buffer = Vec::new();
        let mut since = Instant::now();
        while !stop.is_cancelled() {
            let Some(current) = &iterator else {
                pause(RETRY_AFTER, stop).await;
                let position = if last.is_some() {
                    ShardIteratorType::AfterSequenceNumber
                } else {
                    ShardIteratorType::TrimHorizon
                };
                iterator = self.iterator(shard, position, last.clone()).await;
                continue;
            };
            let records = match self.client.get_records().shard_iterator(current).send().await {
                Ok(answer) => {
                    iterator = answer.next_shard_iterator;
                    answer.records.unwrap_or_default()
                }
                Err(error) => {
                    // Iterators expire after minutes, records after a day: a new iterator goes on where reading was.
                    if !error.as_service_error().is_some_and(|error| {
                        error.is_expired_iterator_exception() || error.is_trimmed_data_access_exception()
                    }) {
                        self.complain("read", &error);
                    }
                    iterator = None;
                    continue;
                }
            };
            let idle = records.is_empty();
            if let Some(record) = records.last() {
                last = Some(sequence_number(record).to_owned());
            }
            let items =
                records.iter().map(|record| self.item(record)).filter(|item| self.filter.passes(&item.event));
            if buffer.is_empty() {
                since = Instant::now();
            }
            buffer.extend(items);
            let size = self.source.batch_size as usize;
            let window_over = since.elapsed() >= self.source.window || iterator.is_none();
            while buffer.len() >= size || (window_over && !buffer.is_empty()) {
                let batch: Vec<Item> = buffer.drain(..buffer.len().min(size)).collect();
                self.deliver(shard, batch, stop).await;
            }
            if iterator.is_none() {
                // The shard is closed and read to its end.
                return;
            }
            if idle {
                pause(POLL_EVERY, stop).await;
            }
        }
    }

    async fn iterator(
        &self,
        shard: &str,
        position: ShardIteratorType,
        after: Option<String>,
    ) -> Option<String> {
        let request = self
            .client
            .get_shard_iterator()
            .stream_arn(&self.arn)
            .shard_id(shard)
            .shard_iterator_type(position)
            .set_sequence_number(after);
        match request.send().await {
            Ok(answer) => answer.shard_iterator,
            Err(error) => {
                self.complain("start reading", &error);
                None
            }
        }
    }

    /// Brings a batch to its end: done, or given up.
    async fn deliver(&self, shard: &str, batch: Vec<Item>, stop: &CancellationToken) {
        let mut parts = VecDeque::from([(batch, 0)]);
        while let Some((items, retries)) = parts.pop_front() {
            let (items, aged) = self.young(items);
            if !aged.is_empty() {
                self.give_up(shard, &aged, "RecordAgeExceeded", retries + 1).await;
            }
            if items.is_empty() {
                continue;
            }
            match self.target.deliver(&self.batch(&items)).await {
                Delivered::Done => continue,
                // The checkpoint is before the first failed record; those after it come again as well.
                Delivered::Failed(failed) if failed[0] > 0 => {
                    parts.push_front((items[failed[0]..].to_vec(), 0));
                    continue;
                }
                Delivered::AllFailed if self.source.bisect_on_error && items.len() > 1 => {
                    // Splitting does not count as a retry.
                    let mut front = items;
                    let back = front.split_off(front.len() / 2);
                    parts.push_front((back, retries));
                    parts.push_front((front, retries));
                    continue;
                }
                Delivered::Failed(_) | Delivered::AllFailed => {}
            }
            if stop.is_cancelled() {
                return;
            }
            if self.source.maximum_retries.is_some_and(|most| retries >= most) {
                self.give_up(shard, &items, "RetryAttemptsExhausted", retries + 1).await;
            } else {
                let ceiling = RETRY_AFTER.saturating_mul(1 << retries.min(10)).min(RETRY_AFTER_AT_MOST);
                pause(ceiling.mul_f64(0.5 + fastrand::f64() / 2.0), stop).await;
                parts.push_front((items, retries + 1));
            }
        }
    }

    fn batch<'a>(&self, items: &'a [Item]) -> Batch<'a> {
        Batch {
            event: json!({"Records": items.iter().map(|item| &item.event).collect::<Vec<_>>()}),
            identifiers: items.iter().map(|item| item.sequence_number.as_str()).collect(),
            reports_failures: self.source.report_batch_item_failures,
        }
    }

    /// The items that are young enough, and the others.
    fn young(&self, items: Vec<Item>) -> (Vec<Item>, Vec<Item>) {
        let Some(most) = self.source.maximum_age else { return (items, Vec::new()) };
        items.into_iter().partition(|item| item.created.elapsed().unwrap_or_default() <= most)
    }

    /// Tells the on-failure destination where in the stream the records are; not what they hold.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>
    async fn give_up(&self, shard: &str, items: &[Item], condition: &str, attempts: u32) {
        let (Some(first), Some(end)) = (items.first(), items.last()) else { return };
        let text = format!("{} records of {} are given up: {condition}", items.len(), self.arn);
        self.target.report.note(&text);
        let Some(OnFailure { client, url }) = &self.on_failure else { return };
        let message = json!({
            "requestContext": {
                "requestId": uuid::Uuid::new_v4(),
                "functionArn": self.target.function.arn(),
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": Timestamp::now(),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": end.sequence_number,
                "approximateArrivalOfFirstRecord": Timestamp::at(first.created),
                "approximateArrivalOfLastRecord": Timestamp::at(end.created),
                "batchSize": items.len(),
                "streamArn": self.arn,
            },
        });
        if let Err(error) =
            client.send_message().queue_url(url).message_body(message.to_string()).send().await
        {
            self.complain("report records given up from", &error);
        }
    }

    fn item(&self, record: &Record) -> Item {
        let created = record.dynamodb().and_then(|stream| stream.approximate_creation_date_time());
        Item {
            sequence_number: sequence_number(record).to_owned(),
            created: created.and_then(|at| SystemTime::try_from(*at).ok()).unwrap_or_else(SystemTime::now),
            event: stream_record::record(record, &self.target.places.region, &self.arn),
        }
    }

    fn complain(&self, action: &str, error: &dyn std::error::Error) {
        self.target.report.note(&format!("cannot {action} {}: {}", self.arn, chain(error)));
    }
}

fn sequence_number(record: &Record) -> &str {
    record.dynamodb().and_then(|stream| stream.sequence_number()).unwrap_or_default()
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(time) => {}
    }
}
