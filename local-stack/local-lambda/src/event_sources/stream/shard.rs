//! The reading of one shard, from a position to its end.

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

use super::{Item, Stream, batch_worker::BatchWorker, pause, record};

/// How often an idle shard is looked at. Lambda does so four times a second; here it is cheap.
const POLL_EVERY: Duration = Duration::from_millis(50);
/// How long to wait after a call that failed.
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// Reads that may wait for a lane. A lane that is full holds up the shard.
const READ_AHEAD: usize = 16;

/// Where reading goes on.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// Where it started.
    from: ShardIteratorType,
    /// The sequence number of the last record that was read.
    after: Option<String>,
    /// The iterator for the next read, as long as it holds.
    iterator: Option<String>,
}

impl Position {
    pub(super) fn at(from: ShardIteratorType) -> Self {
        Self { from, after: None, iterator: None }
    }
}

/// Reads one shard into its lanes.
#[derive(Debug)]
pub(super) struct Reader {
    stream: Arc<Stream>,
    shard: Arc<str>,
    position: Position,
}

impl Reader {
    pub(super) fn new(stream: Arc<Stream>, shard: Arc<str>, position: Position) -> Self {
        Self { stream, shard, position }
    }

    /// Reads until the shard is closed and all of it is done, or until `stop`.
    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let mut running = JoinSet::new();
        let mut lanes = Vec::new();
        for _ in 0..self.stream.source.parallelization_factor {
            let (sender, receiver) = mpsc::channel(READ_AHEAD);
            let lane = BatchWorker::new(Arc::clone(&self.stream), Arc::clone(&self.shard), receiver);
            running.spawn(lane.run(stop.clone()));
            lanes.push(sender);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.read(&lanes, stop) => {}
        }
        drop(lanes);
        while running.join_next().await.is_some() {}
    }

    async fn read(&mut self, lanes: &[mpsc::Sender<Vec<Item>>], stop: &CancellationToken) {
        let stream = Arc::clone(&self.stream);
        loop {
            let Some(iterator) = self.position.iterator.clone() else {
                let from = self.position.clone();
                self.position = stream.position(&self.shard, from).await;
                if self.position.iterator.is_none() {
                    pause(RETRY_AFTER, stop).await;
                }
                continue;
            };
            let answer = match stream.place.client.get_records().shard_iterator(iterator).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    // Iterators expire after minutes, records after a day: a new one goes on where reading was.
                    if error.as_service_error().is_some_and(|error| {
                        error.is_expired_iterator_exception() || error.is_trimmed_data_access_exception()
                    }) {
                        self.position.iterator = None;
                    } else {
                        stream.complain("read", &error);
                    }
                    pause(RETRY_AFTER, stop).await;
                    continue;
                }
            };
            let records = answer.records.unwrap_or_default();
            if let Some(record) = records.last() {
                self.position.after = Some(sequence_number(record).to_owned());
            }
            let idle = records.is_empty();
            for (lane, items) in lanes.iter().zip(stream.distribute(&records)) {
                stream.age.read(items.iter().map(|item| item.created));
                if !items.is_empty() && lane.send(items).await.is_err() {
                    return;
                }
            }
            match answer.next_shard_iterator {
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

impl Stream {
    /// The start of a shard.
    pub(super) async fn start(&self, shard: &str, from: ShardIteratorType) -> Position {
        self.position(shard, Position::at(from)).await
    }

    /// The same position with a new iterator; without one if the stream does not answer.
    async fn position(&self, shard: &str, mut position: Position) -> Position {
        let from = match &position.after {
            Some(_) => ShardIteratorType::AfterSequenceNumber,
            None => position.from.clone(),
        };
        let request = self.place.client.get_shard_iterator().stream_arn(&self.place.arn).shard_id(shard);
        let request = request.shard_iterator_type(from).set_sequence_number(position.after.clone());
        match request.send().await {
            Ok(answer) => position.iterator = answer.shard_iterator,
            Err(error) => {
                self.complain("start reading", &error);
                // What follows the last record that was read has been trimmed: on with the oldest that is left.
                if error
                    .as_service_error()
                    .is_some_and(GetShardIteratorError::is_trimmed_data_access_exception)
                {
                    position = Position::at(ShardIteratorType::TrimHorizon);
                }
            }
        }
        position
    }

    /// The records that a pattern lets through, for each lane in order. A partition key always has the same lane.
    fn distribute(&self, records: &[Record]) -> Vec<Vec<Item>> {
        let mut lanes = vec![Vec::new(); self.source.parallelization_factor as usize];
        for record in records {
            let item = self.item(record);
            if !self.filter.passes(&item.event) {
                continue;
            }
            let mut hasher = DefaultHasher::new();
            item.event["dynamodb"]["Keys"][&self.place.partition_key].to_string().hash(&mut hasher);
            let lane = hasher.finish() % u64::from(self.source.parallelization_factor);
            if let Some(lane) = usize::try_from(lane).ok().and_then(|lane| lanes.get_mut(lane)) {
                lane.push(item);
            }
        }
        lanes
    }

    fn item(&self, record: &Record) -> Item {
        let created = record.dynamodb().and_then(|stream| stream.approximate_creation_date_time());
        let event = record::record(record, &self.target.resource_ids.region, &self.place.arn);
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
