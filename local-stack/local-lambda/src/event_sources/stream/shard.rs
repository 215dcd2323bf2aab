//! Reads one shard, from a position to its end.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodbstreams::{
    operation::get_shard_iterator::GetShardIteratorError,
    types::{Record, ShardIteratorType},
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    batch_worker::BatchWorker,
    mapping::{Item, Mapping, pause},
    record,
};

/// How often an idle shard is polled. Lambda polls four times a second; here it costs nothing.
const POLL_EVERY: Duration = Duration::from_millis(50);
/// How long to wait after a call that failed.
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// Reads that may wait for a batch worker. The shard waits for a worker that has as many.
const READ_AHEAD: usize = 16;

/// Where reading continues.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// Where it started.
    from: ShardIteratorType,
    /// The sequence number of the last record that was read.
    after: Option<String>,
    /// The shard iterator for the next read, until it expires.
    iterator: Option<String>,
}

impl Position {
    pub(super) fn at(from: ShardIteratorType) -> Self {
        Self { from, after: None, iterator: None }
    }

    /// The start of a shard, with an iterator if the stream responds.
    pub(super) async fn start(mapping: &Mapping, shard: &str, from: ShardIteratorType) -> Self {
        let mut position = Self::at(from);
        position.renew_iterator(mapping, shard).await;
        position
    }

    /// Requests a new iterator for the same position. There is none if the stream does not respond.
    async fn renew_iterator(&mut self, mapping: &Mapping, shard: &str) {
        let stream = &mapping.stream;
        let from = match &self.after {
            Some(_) => ShardIteratorType::AfterSequenceNumber,
            None => self.from.clone(),
        };
        let request = stream.client.get_shard_iterator().stream_arn(&stream.arn).shard_id(shard);
        let request = request.shard_iterator_type(from).set_sequence_number(self.after.clone());
        match request.send().await {
            Ok(response) => self.iterator = response.shard_iterator,
            Err(error) => {
                mapping.report_error("start reading", &error);
                // The records after the position have been trimmed: continue with the oldest one.
                if error
                    .as_service_error()
                    .is_some_and(GetShardIteratorError::is_trimmed_data_access_exception)
                {
                    *self = Self::at(ShardIteratorType::TrimHorizon);
                }
            }
        }
    }
}

/// Reads one shard and hands its records to batch workers.
#[derive(Debug)]
pub(super) struct ShardReader {
    mapping: Arc<Mapping>,
    shard: Arc<str>,
    position: Position,
}

impl ShardReader {
    pub(super) fn new(mapping: Arc<Mapping>, shard: Arc<str>, position: Position) -> Self {
        Self { mapping, shard, position }
    }

    /// Reads until the shard is closed and all of its records are processed, or until `stop`.
    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let mut running = JoinSet::new();
        let mut workers = Vec::new();
        for _ in 0..self.mapping.source.parallelization_factor {
            let (sender, receiver) = mpsc::channel(READ_AHEAD);
            let worker = BatchWorker::new(Arc::clone(&self.mapping), Arc::clone(&self.shard), receiver);
            running.spawn(worker.run(stop.clone()));
            workers.push(sender);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.read(&workers, stop) => {}
        }
        drop(workers);
        while running.join_next().await.is_some() {}
    }

    async fn read(&mut self, workers: &[mpsc::Sender<Vec<Item>>], stop: &CancellationToken) {
        let mapping = Arc::clone(&self.mapping);
        loop {
            let Some(iterator) = self.position.iterator.clone() else {
                self.position.renew_iterator(&mapping, &self.shard).await;
                if self.position.iterator.is_none() {
                    pause(RETRY_AFTER, stop).await;
                }
                continue;
            };
            let response = match mapping.stream.client.get_records().shard_iterator(iterator).send().await {
                Ok(response) => response,
                Err(error) => {
                    // Iterators expire after minutes, records after a day: a new iterator continues at the position.
                    if error.as_service_error().is_some_and(|error| {
                        error.is_expired_iterator_exception() || error.is_trimmed_data_access_exception()
                    }) {
                        self.position.iterator = None;
                    } else {
                        mapping.report_error("read", &error);
                    }
                    pause(RETRY_AFTER, stop).await;
                    continue;
                }
            };
            let records = response.records.unwrap_or_default();
            if let Some(record) = records.last() {
                self.position.after = Some(sequence_number(record).to_owned());
            }
            let idle = records.is_empty();
            for (worker, items) in workers.iter().zip(mapping.distribute(&records)) {
                mapping.age.read(items.iter().map(|item| item.created));
                if !items.is_empty() && worker.send(items).await.is_err() {
                    return;
                }
            }
            match response.next_shard_iterator {
                Some(next) => self.position.iterator = Some(next),
                // The shard is closed and read to its end.
                None => return,
            }
            if idle {
                pause(POLL_EVERY, stop).await;
            }
        }
    }
}

impl Mapping {
    /// The records that match the filter, for each batch worker in order. A partition key always has the same worker.
    fn distribute(&self, records: &[Record]) -> Vec<Vec<Item>> {
        let mut workers = vec![Vec::new(); self.source.parallelization_factor as usize];
        for record in records {
            let item = self.item(record);
            if !self.filter.passes(&item.event) {
                continue;
            }
            let mut hasher = DefaultHasher::new();
            item.event["dynamodb"]["Keys"][&self.stream.partition_key].to_string().hash(&mut hasher);
            let worker = hasher.finish() % u64::from(self.source.parallelization_factor);
            if let Some(items) = usize::try_from(worker).ok().and_then(|worker| workers.get_mut(worker)) {
                items.push(item);
            }
        }
        workers
    }

    fn item(&self, record: &Record) -> Item {
        let created = record.dynamodb().and_then(|stream| stream.approximate_creation_date_time());
        let event = record::record(record, &self.target.resource_ids.account.region, &self.stream.arn);
        Item {
            sequence_number: sequence_number(record).to_owned(),
            created: created.and_then(|at| SystemTime::try_from(*at).ok()).unwrap_or_else(SystemTime::now),
            size: event.to_string().len(),
            event,
        }
    }
}

fn sequence_number(record: &Record) -> &str {
    record.dynamodb().and_then(|stream| stream.sequence_number()).unwrap_or_default()
}
