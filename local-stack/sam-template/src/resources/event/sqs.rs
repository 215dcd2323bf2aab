//! `Type: SQS`
//!
//! The rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>

use std::time::Duration;

use super::mapping::{batch_size, check_window, filters, reports_failures, window};
use crate::{
    FilterCriteria,
    error::Position,
    members::{Known, Members},
};

/// `Type: SQS`. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct SqsSource {
    /// Logical id of the queue.
    pub queue: String,
    /// The place of the reference to the queue.
    pub at: Position,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The largest number of messages in a batch, 1 to 10,000.
    pub batch_size: u32,
    /// The batching window, up to 5 minutes.
    pub window: Duration,
    /// The largest number of concurrent invocations, 2 to 1,000, if limited.
    pub maximum_concurrency: Option<u32>,
    /// Whether the function returns the messages that failed.
    pub report_batch_item_failures: bool,
    /// Messages that match no pattern are deleted without an invocation.
    pub filters: FilterCriteria,
}

/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-sqs.html>
const KNOWN: Known = Known {
    of: "an SQS event",
    supported: &[
        "BatchSize",
        "Enabled",
        "FilterCriteria",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "Queue",
        "ScalingConfig",
    ],
    ignored: &["KmsKeyArn", "MetricsConfig"],
    hints: &[],
};

const SCALING: Known =
    Known { of: "ScalingConfig", supported: &["MaximumConcurrency"], ignored: &[], hints: &[] };

impl SqsSource {
    pub(super) fn read(properties: Members<'_>) -> Option<Self> {
        let properties = properties.check(&KNOWN);
        let (batch_size, window) = (batch_size(properties, 10), window(properties));
        check_window(properties, batch_size, window);
        let queue = properties.referenced("Queue");
        let scaling = properties.members("ScalingConfig");
        let maximum_concurrency =
            scaling.and_then(|scaling| scaling.check(&SCALING).within("MaximumConcurrency", 2..=1000));
        let enabled = properties.boolean("Enabled").unwrap_or(true);
        let report_batch_item_failures = reports_failures(properties);
        let filters = filters(properties);
        let queue = queue?;
        Some(Self {
            queue: queue.text,
            at: queue.at,
            enabled,
            batch_size,
            window,
            maximum_concurrency,
            report_batch_item_failures,
            filters,
        })
    }
}
