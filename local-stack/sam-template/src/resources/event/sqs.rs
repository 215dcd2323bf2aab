//! `Type: SQS`
//!
//! The rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>

use std::time::Duration;

use super::mapping::{batch_size, enabled, filters, reports_failures, window};
use crate::{FilterCriteria, error::LineError, node::Node, resources::referenced};

/// Beyond it, a batch takes several receives, which need a window to be made in.
const MOST_WITHOUT_WINDOW: u32 = 10;

/// `Type: SQS`. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct SqsSource {
    /// Logical id of the queue.
    pub queue: String,
    /// The line of the template that names the queue.
    pub line: usize,
    /// Whether it polls at all.
    pub enabled: bool,
    /// The most messages of one invocation, 1 to 10,000.
    pub batch_size: u32,
    /// How long to gather a batch, up to 5 minutes.
    pub window: Duration,
    /// The most invocations at once, 2 to 1,000, if limited.
    pub maximum_concurrency: Option<u32>,
    /// Whether the function answers which messages failed.
    pub report_batch_item_failures: bool,
    /// Messages that match no pattern are dropped.
    pub filters: FilterCriteria,
}

impl SqsSource {
    pub(super) fn read(properties: &Node) -> Result<Self, LineError> {
        let (batch_size, window) = (batch_size(properties, 10)?, window(properties)?);
        if batch_size > MOST_WITHOUT_WINDOW && window.is_zero() {
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
