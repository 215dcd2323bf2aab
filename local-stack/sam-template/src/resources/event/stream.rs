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
    /// The line of the template that names the stream.
    pub line: usize,
    /// Whether it polls at all.
    pub enabled: bool,
    /// Where reading starts.
    pub starting_position: StartingPosition,
    /// The most records of one invocation, 1 to 10,000.
    pub batch_size: u32,
    /// How long to gather a batch, up to 5 minutes.
    pub window: Duration,
    /// Retries of a failed batch; none for as long as the records live.
    pub maximum_retries: Option<u32>,
    /// Records that are older are given up; none for as long as the records live.
    pub maximum_age: Option<Duration>,
    /// Whether a failed batch is split in two.
    pub bisect_on_error: bool,
    /// How many batches of one shard run at once, 1 to 10.
    pub parallelization_factor: u32,
    /// Whether the function answers from which record on the batch failed.
    pub report_batch_item_failures: bool,
    /// Records that match no pattern are dropped.
    pub filters: FilterCriteria,
    /// The queue that hears of records that were given up.
    pub on_failure: Option<Destination>,
}

/// Where the reading of a stream starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// With the oldest record.
    TrimHorizon,
    /// With the next record.
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
