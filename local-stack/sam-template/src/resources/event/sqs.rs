//! `Type: SQS`
//!
//! The rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>

use std::time::Duration;

use super::mapping::{batch_size, enabled, filters, reports_failures, window};
use crate::{FilterCriteria, error::LineError, node::Node, resources::referenced};

/// The largest batch without a batching window: one receive returns at most ten messages.
const MAX_WITHOUT_WINDOW: u32 = 10;

/// `Type: SQS`. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct SqsSource {
    /// Logical id of the queue.
    pub queue: String,
    /// The line of the reference to the queue.
    pub line: usize,
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

impl SqsSource {
    pub(super) fn read(properties: &Node) -> Result<Self, LineError> {
        let (batch_size, window) = (batch_size(properties, 10)?, window(properties)?);
        if batch_size > MAX_WITHOUT_WINDOW && window.is_zero() {
            let rule = "a BatchSize over 10 needs a MaximumBatchingWindowInSeconds of at least 1";
            return Err(properties.require("BatchSize")?.error(rule));
        }
        let scaling = properties.get("ScalingConfig");
        Ok(Self {
            queue: referenced(properties, "Queue")?,
            line: properties.require("Queue")?.line,
            enabled: enabled(properties)?,
            batch_size,
            window,
            maximum_concurrency: match scaling {
                Some(scaling) => scaling.within("MaximumConcurrency", 2..=1000)?,
                None => None,
            },
            report_batch_item_failures: reports_failures(properties)?,
            filters: filters(properties)?,
        })
    }
}
