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
use crate::{members::Members, node::Node};

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
    pub(crate) fn read(name: &str, event: Members<'_>) -> Option<Self> {
        let kind = event.require("Type")?;
        let empty = Node::empty(event.node.at);
        let properties = Members { node: event.get("Properties").unwrap_or(&empty), ..event };
        match event.text("Type")? {
            "HttpApi" => Some(Self::HttpApi(HttpRoute::read(properties))),
            "SQS" => SqsSource::read(properties).map(Self::Sqs),
            "DynamoDB" => StreamSource::read(properties).map(Self::Stream),
            "Schedule" => ScheduleSource::rule(name, properties).map(Self::Schedule),
            "ScheduleV2" => ScheduleSource::scheduler(name, properties).map(Self::Schedule),
            other => {
                let supported = "HttpApi, SQS, DynamoDB, Schedule and ScheduleV2";
                let hint = if other == "Api" { "; of a REST API, use an HttpApi event" } else { "" };
                event.problem(kind, format!("{other} events are not supported: {supported} are{hint}"));
                None
            }
        }
    }
}
