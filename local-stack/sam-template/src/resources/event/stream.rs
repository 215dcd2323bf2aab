//! `Type: DynamoDB`
//!
//! The rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html>

use std::time::Duration;

use super::mapping::{batch_size, filters, limit, reports_failures, window};
use crate::{
    Destination, FilterCriteria,
    error::{Invalid, Position},
    members::{Known, Members},
    node::Node,
    resources::destination,
};

/// `Type: DynamoDB`. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSource {
    /// Logical id of the table.
    pub table: String,
    /// The place of the reference to the stream.
    pub at: Position,
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

/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-dynamodb.html>
const KNOWN: Known = Known {
    of: "a DynamoDB event",
    supported: &[
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "Enabled",
        "FilterCriteria",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "ParallelizationFactor",
        "StartingPosition",
        "Stream",
    ],
    ignored: &["KmsKeyArn", "MetricsConfig"],
    hints: &[("TumblingWindowInSeconds", "there are no tumbling windows here; leave it out")],
};

const DESTINATIONS: Known =
    Known { of: "DestinationConfig", supported: &["OnFailure"], ignored: &[], hints: &[] };

impl StreamSource {
    pub(super) fn read(properties: Members<'_>) -> Option<Self> {
        let properties = properties.check(&KNOWN);
        let stream = properties.referenced("Stream");
        let starting_position =
            properties.require("StartingPosition").and_then(|node| properties.valid(position(node)));
        let age = limit(properties, "MaximumRecordAgeInSeconds", 60..=604_800);
        let destinations = properties.members("DestinationConfig");
        let on_failure = destinations
            .and_then(|destinations| destinations.check(&DESTINATIONS).members("OnFailure"))
            .and_then(|node| destination(node, "Destination"));
        let source = Self {
            table: stream.as_ref().map(|stream| stream.text.clone()).unwrap_or_default(),
            at: stream.as_ref().map(|stream| stream.at).unwrap_or_default(),
            enabled: properties.boolean("Enabled").unwrap_or(true),
            starting_position: starting_position.unwrap_or(StartingPosition::Latest),
            batch_size: batch_size(properties, 100),
            window: window(properties),
            maximum_retries: limit(properties, "MaximumRetryAttempts", 0..=10_000),
            maximum_age: age.map(|seconds| Duration::from_secs(seconds.into())),
            bisect_on_error: properties.boolean("BisectBatchOnFunctionError").unwrap_or(false),
            parallelization_factor: properties.within("ParallelizationFactor", 1..=10).unwrap_or(1),
            report_batch_item_failures: reports_failures(properties),
            filters: filters(properties),
            on_failure,
        };
        (stream.is_some() && starting_position.is_some()).then_some(source)
    }
}

fn position(node: &Node) -> Result<StartingPosition, Invalid> {
    match node.text()? {
        "TRIM_HORIZON" => Ok(StartingPosition::TrimHorizon),
        "LATEST" => Ok(StartingPosition::Latest),
        other => Err(node.error(format!("{other} is not supported: use TRIM_HORIZON or LATEST"))),
    }
}
