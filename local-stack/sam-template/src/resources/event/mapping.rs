//! The properties that all event source mappings have.
//!
//! The bounds: <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>

use std::{ops::RangeInclusive, time::Duration};

use crate::{error::LineError, node::Node, text::Located};

/// The event patterns of `FilterCriteria`, as JSON texts. Without patterns, every item passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterCriteria(pub Vec<Located>);

/// The largest number of filters: AWS raises its quota of five to ten on request.
const MOST_FILTERS: usize = 10;

pub(super) fn enabled(properties: &Node) -> Result<bool, LineError> {
    properties.get("Enabled").map_or(Ok(true), Node::boolean)
}

pub(super) fn batch_size(properties: &Node, default: u32) -> Result<u32, LineError> {
    Ok(properties.within("BatchSize", 1..=10_000)?.unwrap_or(default))
}

pub(super) fn window(properties: &Node) -> Result<Duration, LineError> {
    let seconds = properties.within("MaximumBatchingWindowInSeconds", 0..=300)?;
    Ok(Duration::from_secs(seconds.unwrap_or(0).into()))
}

pub(super) fn reports_failures(properties: &Node) -> Result<bool, LineError> {
    let types = Node::elements(properties.get("FunctionResponseTypes"))?;
    for kind in types {
        let name = kind.text()?;
        if name != "ReportBatchItemFailures" {
            return Err(kind.error(format!("{name} is not a response type: ReportBatchItemFailures is")));
        }
    }
    Ok(!types.is_empty())
}

pub(super) fn filters(properties: &Node) -> Result<FilterCriteria, LineError> {
    let filters = Node::elements(properties.at(&["FilterCriteria", "Filters"]))?;
    if let Some(beyond) = filters.get(MOST_FILTERS) {
        return Err(beyond.error(format!("an event source has at most {MOST_FILTERS} filters")));
    }
    let patterns = filters.iter().map(|filter| filter.require("Pattern")?.located());
    patterns.collect::<Result<_, _>>().map(FilterCriteria)
}

/// A number; -1 means no limit.
pub(super) fn limit(
    properties: &Node,
    key: &str,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, LineError> {
    match properties.get(key) {
        Some(node) if node.text()? == "-1" => Ok(None),
        _ => properties.within(key, range),
    }
}
