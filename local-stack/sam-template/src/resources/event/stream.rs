//! `Type: DynamoDB`
//!
//! The rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html>

use std::time::Duration;

use super::mapping::{batch_size, enabled, filters, limit, reports_failures, window};
use crate::{
    Destination, FilterCriteria,
    error::LineError,
    node::Node,
    resources::{destination, referenced},
};

/// `Type: DynamoDB`. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSource {
    /// Logical id of the table.
    pub table: String,
    /// The line of the reference to the stream.
    pub line: usize,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The position of the first record to read.
    pub starting_position: StartingPosition,
    /// The largest number of records in a batch, 1 to 10,000.
    pub batch_size: u32,
    /// The batching window, up to 5 minutes.
    pub window: Duration,
    /// The number of retries of a failed batch; none for retries until the records expire.
    pub maximum_retries: Option<u32>,
    /// The age at which records are discarded; none for retries until they expire.
    pub maximum_age: Option<Duration>,
    /// Whether a failed batch is split into two.
    pub bisect_on_error: bool,
    /// The number of concurrent batches of one shard, 1 to 10.
    pub parallelization_factor: u32,
    /// Whether the function returns the first record that failed.
    pub report_batch_item_failures: bool,
    /// Records that match no pattern are skipped.
    pub filters: FilterCriteria,
    /// The destination for discarded batches.
    pub on_failure: Option<Destination>,
}

/// The position in a stream at which reading starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// The oldest record.
    TrimHorizon,
    /// The next record.
    Latest,
}

impl StreamSource {
    pub(super) fn read(properties: &Node) -> Result<Self, LineError> {
        if let Some(tumbling) = properties.get("TumblingWindowInSeconds") {
            return Err(
                tumbling.error("tumbling windows are not supported: leave TumblingWindowInSeconds out")
            );
        }
        let age = limit(properties, "MaximumRecordAgeInSeconds", 60..=604_800)?;
        let on_failure = properties.at(&["DestinationConfig", "OnFailure"]);
        Ok(Self {
            table: referenced(properties, "Stream")?,
            line: properties.require("Stream")?.line,
            enabled: enabled(properties)?,
            starting_position: position(properties.require("StartingPosition")?)?,
            batch_size: batch_size(properties, 100)?,
            window: window(properties)?,
            maximum_retries: limit(properties, "MaximumRetryAttempts", 0..=10_000)?,
            maximum_age: age.map(|seconds| Duration::from_secs(seconds.into())),
            bisect_on_error: properties.get("BisectBatchOnFunctionError").map_or(Ok(false), Node::boolean)?,
            parallelization_factor: properties.within("ParallelizationFactor", 1..=10)?.unwrap_or(1),
            report_batch_item_failures: reports_failures(properties)?,
            filters: filters(properties)?,
            on_failure: on_failure.map(|node| destination(node, "Destination")).transpose()?,
        })
    }
}

fn position(node: &Node) -> Result<StartingPosition, LineError> {
    match node.text()? {
        "TRIM_HORIZON" => Ok(StartingPosition::TrimHorizon),
        "LATEST" => Ok(StartingPosition::Latest),
        other => Err(node.error(format!("{other} is not supported: use TRIM_HORIZON or LATEST"))),
    }
}
