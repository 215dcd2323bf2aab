//! A DynamoDB stream as an event source.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>: each shard is read in order, after its parent, into as
//! many lanes as `ParallelizationFactor` says, by partition key. A lane has one batch at a time; one that fails is
//! retried, split or given up before the next is looked at. So the order of a key's changes is kept.

mod age;
mod batch_worker;
mod failure;
pub mod record;
mod retries;
mod shard;

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodbstreams::{Client, types::ShardIteratorType};
use embedded_dynamodb::error_chain;
use sam_template::{StartingPosition, StreamSource};
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

pub use self::age::IteratorAge;
use self::shard::{Position, Reader};
use super::{Target, filter::Filter};
use crate::error::Error;

/// How often new shards are looked for.
const DISCOVER_EVERY: Duration = Duration::from_secs(5);

/// A stream as its table and its endpoint know it.
#[derive(Clone, Debug)]
pub struct Place {
    /// A client for it.
    pub client: Client,
    /// Its ARN.
    pub arn: String,
    /// The table's partition key.
    pub partition_key: String,
    /// The queue that hears of records that were given up.
    pub on_failure: Option<OnFailure>,
}

/// A queue that hears of failures.
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
    place: Place,
    source: StreamSource,
    filter: Filter,
    target: Target,
    age: Arc<IteratorAge>,
    /// The shards that were there at the start, and where in each of them reading starts.
    first: Vec<(Found, Position)>,
}

/// A record and its shape for functions.
#[derive(Clone, Debug)]
struct Item {
    sequence_number: String,
    created: SystemTime,
    event: Value,
    /// Bytes of the event as JSON.
    size: usize,
}

/// A shard of the stream.
#[derive(Clone, Debug)]
struct Found {
    id: String,
    parent: Option<String>,
}

impl Stream {
    /// The source, once its stream is there. With the starting position `LATEST`, it starts here and now: what is
    /// written after this will be seen.
    ///
    /// # Errors
    /// When the stream does not answer.
    pub async fn open(
        place: Place,
        source: StreamSource,
        filter: Filter,
        target: Target,
    ) -> Result<Self, Error> {
        let age = Arc::default();
        let mut stream = Self { place, source, filter, target, age, first: Vec::new() };
        let from = match stream.source.starting_position {
            StartingPosition::Latest => ShardIteratorType::Latest,
            StartingPosition::TrimHorizon => ShardIteratorType::TrimHorizon,
        };
        for found in stream.shards().await? {
            let position = stream.start(&found.id, from.clone()).await;
            stream.first.push((found, position));
        }
        Ok(stream)
    }

    /// Tells how far its function lags behind, for as long as it runs.
    #[must_use]
    pub fn age(&self) -> Arc<IteratorAge> {
        Arc::clone(&self.age)
    }

    /// Reads all shards until `stop`, each after its parent.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut waiting = std::mem::take(&mut self.first);
        let mut known: HashSet<String> = waiting.iter().map(|(shard, _)| shard.id.clone()).collect();
        let stream = Arc::new(self);
        let mut ended = HashSet::new();
        let mut readers = JoinSet::new();
        loop {
            let ready = |(shard, _): &mut (Found, Position)| {
                shard.parent.as_ref().is_none_or(|parent| !known.contains(parent) || ended.contains(parent))
            };
            for (shard, position) in waiting.extract_if(.., ready) {
                let reader = Reader::new(Arc::clone(&stream), shard.id.as_str().into(), position);
                let stop = stop.clone();
                readers.spawn(async move {
                    reader.run(&stop).await;
                    shard.id
                });
            }
            tokio::select! {
                () = stop.cancelled() => break,
                Some(Ok(id)) = readers.join_next(), if !readers.is_empty() => { ended.insert(id); }
                () = sleep(DISCOVER_EVERY) => {}
            }
            let shards = stream.shards().await.unwrap_or_else(|error| {
                stream.target.report.note(&error.to_string());
                Vec::new()
            });
            for found in shards {
                if known.insert(found.id.clone()) {
                    // A shard that appears later holds what came after the start.
                    waiting.push((found, Position::at(ShardIteratorType::TrimHorizon)));
                }
            }
        }
        while readers.join_next().await.is_some() {}
    }

    async fn shards(&self) -> Result<Vec<Found>, Error> {
        let arn = &self.place.arn;
        let mut shards = Vec::new();
        let mut after = None;
        loop {
            let request = self.place.client.describe_stream().stream_arn(arn);
            let answer = request.set_exclusive_start_shard_id(after).send().await;
            let answer = answer.map_err(|error| embedded_dynamodb::Error::Call {
                action: format!("describe {arn}"),
                cause: error_chain(&error),
            })?;
            let Some(description) = answer.stream_description else { return Ok(shards) };
            let found = description.shards.unwrap_or_default().into_iter();
            shards.extend(found.map(|shard| Found {
                id: shard.shard_id.unwrap_or_default(),
                parent: shard.parent_shard_id,
            }));
            after = description.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(shards);
            }
        }
    }

    fn complain(&self, action: &str, error: &dyn std::error::Error) {
        self.target.report.note(&format!("cannot {action} {}: {}", self.place.arn, error_chain(error)));
    }
}

/// Waits, but not beyond `stop`.
async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(time) => {}
    }
}
