//! The triggers of functions: the `Events` of `AWS::Serverless::Function`.

mod mapping;
mod schedule;
mod sqs;
mod stream;

pub use self::{
    mapping::FilterCriteria,
    schedule::{ScheduleKind, ScheduleSource},
    sqs::SqsSource,
    stream::{StartingPosition, StreamSource},
};
use super::http_api::HttpRoute;
use crate::{
    error::LineError,
    node::{Node, Value},
};

/// One trigger of a function.
#[derive(Clone, Debug, PartialEq)]
pub enum EventSource {
    /// A route of the HTTP API.
    HttpApi(HttpRoute),
    /// The messages of a queue.
    Sqs(SqsSource),
    /// The changes of a table.
    Stream(StreamSource),
    /// A schedule.
    Schedule(ScheduleSource),
}

impl EventSource {
    pub(crate) fn read(name: &str, event: &Node) -> Result<Self, LineError> {
        let kind = event.require("Type")?;
        let empty = Node { line: event.line, value: Value::Mapping(Vec::new()) };
        let properties = event.get("Properties").unwrap_or(&empty);
        match kind.text()? {
            "HttpApi" => HttpRoute::read(properties).map(Self::HttpApi),
            "SQS" => SqsSource::read(properties).map(Self::Sqs),
            "DynamoDB" => StreamSource::read(properties).map(Self::Stream),
            "Schedule" => ScheduleSource::rule(name, properties).map(Self::Schedule),
            "ScheduleV2" => ScheduleSource::scheduler(name, properties).map(Self::Schedule),
            other => Err(kind.error(format!(
                "{other} events are not supported: HttpApi, SQS, DynamoDB, Schedule and ScheduleV2 are"
            ))),
        }
    }
}
