//! The properties that all event source mappings have.
//!
//! The bounds: <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    members::{Known, Members},
    node::Node,
    text::Located,
};

/// The event patterns of `FilterCriteria`, as JSON texts. Without patterns, every item passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterCriteria(pub Vec<Located>);

/// The largest number of filters: AWS raises its quota of five to ten on request.
const MOST_FILTERS: usize = 10;

/// The largest batch without a batching window.
const MAX_WITHOUT_WINDOW: u32 = 10;

/// The largest number of items in a batch.
pub(super) fn batch_size(properties: Members<'_>, default: u32) -> u32 {
    properties.within("BatchSize", 1..=10_000).unwrap_or(default)
}

pub(super) fn window(properties: Members<'_>) -> Duration {
    let seconds = properties.within("MaximumBatchingWindowInSeconds", 0..=300);
    Duration::from_secs(seconds.unwrap_or(0).into())
}

/// "When you set `BatchSize` to a value greater than 10, you must set `MaximumBatchingWindowInSeconds` to at least 1": for
/// queues, because one receive returns at most ten messages.
pub(super) fn check_window(properties: Members<'_>, batch_size: u32, window: Duration) {
    if let Some(node) = properties.get("BatchSize")
        && batch_size > MAX_WITHOUT_WINDOW
        && window.is_zero()
    {
        let rule = "a BatchSize over 10 needs a MaximumBatchingWindowInSeconds of at least 1";
        properties.problem(node, rule);
    }
}

pub(super) fn reports_failures(properties: Members<'_>) -> bool {
    let types = properties.elements("FunctionResponseTypes");
    for kind in types {
        if let Some(name) = properties.valid(kind.text())
            && name != "ReportBatchItemFailures"
        {
            let message = format!("{name} is not a response type: ReportBatchItemFailures is");
            properties.problem(kind, message);
        }
    }
    !types.is_empty()
}

pub(super) fn filters(properties: Members<'_>) -> FilterCriteria {
    let Some(criteria) = properties.members("FilterCriteria") else { return FilterCriteria::default() };
    let filters = criteria.check(&CRITERIA).elements("Filters");
    if let Some(beyond) = filters.get(MOST_FILTERS) {
        properties.problem(beyond, format!("an event source has at most {MOST_FILTERS} filters"));
    }
    let patterns = filters.iter().map(|filter| filter.require("Pattern").and_then(Node::located));
    FilterCriteria(patterns.filter_map(|pattern| properties.valid(pattern)).collect())
}

const CRITERIA: Known = Known { of: "FilterCriteria", supported: &["Filters"], ignored: &[], hints: &[] };

/// A number; -1 means no limit.
pub(super) fn limit(properties: Members<'_>, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
    match properties.get(key) {
        Some(node) if node.text() == Ok("-1") => None,
        _ => properties.within(key, range),
    }
}
