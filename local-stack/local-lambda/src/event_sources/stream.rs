//! An event source mapping of a DynamoDB stream.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>: each shard is read in order, after its parent. By their
//! partition keys, its records go to as many batch workers as `ParallelizationFactor` says. A worker handles one batch at
//! a time: a batch that fails is retried, split or discarded before the next one, so the order of a key's changes is
//! kept.

mod age;
mod batch_worker;
mod mapping;
mod on_failure;
pub mod record;
mod retries;
mod shard;

use std::{collections::HashSet, sync::Arc, time::Duration};

use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use embedded_dynamodb::error_chain;
use sam_template::{StartingPosition, StreamSource};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

pub use self::{
    age::IteratorAge,
    mapping::{OnFailure, SourceStream},
};
use self::{
    mapping::Mapping,
    shard::{Position, ShardReader},
};
use super::{Target, filter::Filter};
use crate::error::Error;

/// How often to look for new shards.
const DISCOVER_EVERY: Duration = Duration::from_secs(5);

/// A stream that invokes a function.
#[derive(Debug)]
pub struct StreamMapping {
    mapping: Arc<Mapping>,
    /// The shards that existed at the start, and the position in each.
    shards: Vec<(Shard, Position)>,
}

/// A shard of the stream.
#[derive(Clone, Debug)]
struct Shard {
    id: String,
    parent: Option<String>,
}

impl StreamMapping {
    /// The mapping of an existing stream. With the starting position `LATEST`, it starts now: records that are written
    /// after this call are read.
    ///
    /// # Errors
    /// When the stream cannot be described.
    pub async fn open(
        stream: SourceStream,
        source: StreamSource,
        filter: Filter,
        target: Target,
    ) -> Result<Self, Error> {
        let from = match source.starting_position {
            StartingPosition::Latest => ShardIteratorType::Latest,
            StartingPosition::TrimHorizon => ShardIteratorType::TrimHorizon,
        };
        let mapping = Arc::new(Mapping { stream, source, filter, target, age: Arc::default() });
        let mut shards = Vec::new();
        for shard in describe_shards(&mapping.stream).await? {
            let position = Position::start(&mapping, &shard.id, from.clone()).await;
            shards.push((shard, position));
        }
        Ok(Self { mapping, shards })
    }

    /// The iterator age of its function.
    #[must_use]
    pub fn iterator_age(&self) -> Arc<IteratorAge> {
        Arc::clone(&self.mapping.age)
    }

    /// Reads all shards until `stop`, each after its parent.
    pub async fn run(self, stop: CancellationToken) {
        let Self { mapping, shards: mut waiting } = self;
        let mut known: HashSet<String> = waiting.iter().map(|(shard, _)| shard.id.clone()).collect();
        let mut ended = HashSet::new();
        let mut readers = JoinSet::new();
        loop {
            let ready = |(shard, _): &mut (Shard, Position)| {
                shard.parent.as_ref().is_none_or(|parent| !known.contains(parent) || ended.contains(parent))
            };
            for (shard, position) in waiting.extract_if(.., ready) {
                let reader = ShardReader::new(Arc::clone(&mapping), shard.id.as_str().into(), position);
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
            let shards = describe_shards(&mapping.stream).await.unwrap_or_else(|error| {
                mapping.target.report.note(&error.to_string());
                Vec::new()
            });
            for shard in shards {
                if known.insert(shard.id.clone()) {
                    // The records of a shard that appears later were all written after the start.
                    waiting.push((shard, Position::at(ShardIteratorType::TrimHorizon)));
                }
            }
        }
        while readers.join_next().await.is_some() {}
    }
}

async fn describe_shards(stream: &SourceStream) -> Result<Vec<Shard>, Error> {
    let mut shards = Vec::new();
    let mut after = None;
    loop {
        let request = stream.client.describe_stream().stream_arn(&stream.arn);
        let response = request.set_exclusive_start_shard_id(after).send().await;
        let response = response.map_err(|error| embedded_dynamodb::Error::Call {
            action: format!("describe {}", stream.arn),
            cause: error_chain(&error),
        })?;
        let Some(description) = response.stream_description else { return Ok(shards) };
        let page = description.shards.unwrap_or_default().into_iter();
        shards.extend(
            page.map(|shard| Shard { id: shard.shard_id.unwrap_or_default(), parent: shard.parent_shard_id }),
        );
        after = description.last_evaluated_shard_id;
        if after.is_none() {
            return Ok(shards);
        }
    }
}
