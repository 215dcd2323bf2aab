//! What invokes a function: the `Events` of `AWS::Serverless::Function`.

use std::time::Duration;

use super::{http_api::HttpRoute, referenced};
use crate::{
    error::Fault,
    node::{Node, Value},
};

/// One trigger of a function.
#[derive(Clone, Debug, PartialEq)]
pub enum EventSource {
    /// A route of the HTTP API.
    HttpApi(HttpRoute),
    /// Messages of a queue.
    Sqs(SqsSource),
    /// Changes of a table.
    Stream(StreamSource),
    /// The clock.
    Schedule(ScheduleSource),
}

/// `Type: SQS`. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct SqsSource {
    /// Logical id of the queue.
    pub queue: String,
    /// Whether it polls at all.
    pub enabled: bool,
    /// The most messages of one invocation.
    pub batch_size: u32,
    /// How long to gather a batch.
    pub window: Duration,
    /// The most invocations at once, if limited.
    pub maximum_concurrency: Option<u32>,
    /// Whether the function answers which messages failed.
    pub report_batch_item_failures: bool,
    /// Messages that match no pattern are dropped.
    pub filters: FilterCriteria,
}

/// `Type: DynamoDB`. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSource {
    /// Logical id of the table.
    pub table: String,
    /// Whether it polls at all.
    pub enabled: bool,
    /// Where reading starts.
    pub starting_position: StartingPosition,
    /// The most records of one invocation.
    pub batch_size: u32,
    /// How long to gather a batch.
    pub window: Duration,
    /// Retries of a failed batch; none for as long as the records live.
    pub maximum_retries: Option<u32>,
    /// Records that are older are given up; none for as long as the records live.
    pub maximum_age: Option<Duration>,
    /// Whether a failed batch is split in two.
    pub bisect_on_error: bool,
    /// How many batches of one shard run at once.
    pub parallelization_factor: u32,
    /// Whether the function answers from which record on the batch failed.
    pub report_batch_item_failures: bool,
    /// Records that match no pattern are dropped.
    pub filters: FilterCriteria,
    /// Logical id of the queue that hears of records that were given up.
    pub on_failure: Option<String>,
}

/// Where the reading of a stream starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// With the oldest record.
    TrimHorizon,
    /// With the next record.
    Latest,
}

/// `Type: Schedule` or `ScheduleV2`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSource {
    /// The name of the event.
    pub name: String,
    /// Whether it fires at all.
    pub enabled: bool,
    /// `rate(5 minutes)`, `cron(...)`.
    pub expression: String,
    /// The line of the template that holds the expression.
    pub line: usize,
    /// The event's payload, if it is not the usual one.
    pub input: Option<String>,
}

/// The event patterns of `FilterCriteria`, as JSON texts with their lines. Empty lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterCriteria(pub Vec<(usize, String)>);

impl EventSource {
    pub(crate) fn read(name: &str, event: &Node) -> Result<Self, Fault> {
        let kind = event.require("Type")?;
        let empty = Node { line: event.line, value: Value::Mapping(Vec::new()) };
        let properties = event.get("Properties").unwrap_or(&empty);
        match kind.text()? {
            "HttpApi" => HttpRoute::read(properties).map(Self::HttpApi),
            "SQS" => sqs(properties).map(Self::Sqs),
            "DynamoDB" => stream(properties).map(Self::Stream),
            "Schedule" | "ScheduleV2" => schedule(name, properties).map(Self::Schedule),
            other => Err(kind.fault(format!(
                "{other} events are not supported: HttpApi, SQS, DynamoDB, Schedule and ScheduleV2 are"
            ))),
        }
    }
}

fn sqs(properties: &Node) -> Result<SqsSource, Fault> {
    Ok(SqsSource {
        queue: referenced(properties, "Queue")?,
        enabled: enabled(properties)?,
        batch_size: bounded(properties, "BatchSize", 10, 10_000)?,
        window: window(properties)?,
        maximum_concurrency: properties
            .at(&["ScalingConfig", "MaximumConcurrency"])
            .map(Node::number)
            .transpose()?,
        report_batch_item_failures: reports_failures(properties)?,
        filters: filters(properties)?,
    })
}

fn stream(properties: &Node) -> Result<StreamSource, Fault> {
    let position = properties.require("StartingPosition")?;
    let on_failure = properties.at(&["DestinationConfig", "OnFailure"]);
    let limit = |key: &str| -> Result<Option<u32>, Fault> {
        match properties.get(key) {
            Some(node) if node.text()? != "-1" => node.number().map(Some),
            _ => Ok(None),
        }
    };
    Ok(StreamSource {
        table: referenced(properties, "Stream")?,
        enabled: enabled(properties)?,
        starting_position: match position.text()? {
            "TRIM_HORIZON" => StartingPosition::TrimHorizon,
            "LATEST" => StartingPosition::Latest,
            other => {
                return Err(position.fault(format!("{other} is not supported: use TRIM_HORIZON or LATEST")));
            }
        },
        batch_size: bounded(properties, "BatchSize", 100, 10_000)?,
        window: window(properties)?,
        maximum_retries: limit("MaximumRetryAttempts")?,
        maximum_age: limit("MaximumRecordAgeInSeconds")?.map(|seconds| Duration::from_secs(seconds.into())),
        bisect_on_error: properties.get("BisectBatchOnFunctionError").map_or(Ok(false), Node::boolean)?,
        parallelization_factor: bounded(properties, "ParallelizationFactor", 1, 10)?,
        report_batch_item_failures: reports_failures(properties)?,
        filters: filters(properties)?,
        on_failure: on_failure.map(|destination| referenced(destination, "Destination")).transpose()?,
    })
}

fn schedule(name: &str, properties: &Node) -> Result<ScheduleSource, Fault> {
    let expression = match properties.get("Schedule") {
        Some(node) => node,
        None => properties.require("ScheduleExpression")?,
    };
    let state = properties.get("State").map_or(Ok("ENABLED"), Node::text)?;
    Ok(ScheduleSource {
        name: name.to_owned(),
        enabled: enabled(properties)? && state == "ENABLED",
        expression: expression.text()?.to_owned(),
        line: expression.line,
        input: properties.get("Input").map(Node::text).transpose()?.map(str::to_owned),
    })
}

fn enabled(properties: &Node) -> Result<bool, Fault> {
    properties.get("Enabled").map_or(Ok(true), Node::boolean)
}

fn bounded(properties: &Node, key: &str, default: u32, most: u32) -> Result<u32, Fault> {
    let Some(node) = properties.get(key) else { return Ok(default) };
    let number = node.number()?;
    if (1..=most).contains(&number) {
        Ok(number)
    } else {
        Err(node.fault(format!("{key} must be 1 to {most}")))
    }
}

fn window(properties: &Node) -> Result<Duration, Fault> {
    let seconds = properties.get("MaximumBatchingWindowInSeconds").map_or(Ok(0), Node::number)?;
    Ok(Duration::from_secs(seconds))
}

fn reports_failures(properties: &Node) -> Result<bool, Fault> {
    let types = Node::texts(properties.get("FunctionResponseTypes"))?;
    Ok(types.iter().any(|kind| kind == "ReportBatchItemFailures"))
}

fn filters(properties: &Node) -> Result<FilterCriteria, Fault> {
    let patterns = Node::elements(properties.at(&["FilterCriteria", "Filters"]))?.iter().map(|filter| {
        let pattern = filter.require("Pattern")?;
        Ok((pattern.line, pattern.text()?.to_owned()))
    });
    patterns.collect::<Result<_, Fault>>().map(FilterCriteria)
}
