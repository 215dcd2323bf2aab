//! `Type: Schedule` and `Type: ScheduleV2`
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-schedulev2.html>

use super::mapping::enabled;
use crate::{error::LineError, node::Node, text::Located};

/// A schedule of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSource {
    /// The name of the event, or `Name`.
    pub name: String,
    /// The service that runs it.
    pub kind: ScheduleKind,
    /// Whether it is enabled.
    pub enabled: bool,
    /// `rate(5 minutes)`, `cron(...)`, and for the Scheduler `at(...)`.
    pub expression: String,
    /// The line of the expression.
    pub line: usize,
    /// The time zone of the expression, `Europe/Berlin`; UTC without.
    pub time_zone: Option<Located>,
    /// The payload, if it is not EventBridge's default.
    pub input: Option<String>,
}

/// The two services that run schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleKind {
    /// A rule of EventBridge: `Type: Schedule`.
    Rule,
    /// EventBridge Scheduler: `Type: ScheduleV2`.
    Scheduler,
}

impl ScheduleSource {
    pub(super) fn rule(name: &str, properties: &Node) -> Result<Self, LineError> {
        Self::read(name, properties, ScheduleKind::Rule, properties.require("Schedule")?)
    }

    pub(super) fn scheduler(name: &str, properties: &Node) -> Result<Self, LineError> {
        for key in ["StartDate", "EndDate"] {
            if let Some(node) = properties.get(key) {
                return Err(node.error(format!("{key} is not supported: leave it out")));
            }
        }
        let source =
            Self::read(name, properties, ScheduleKind::Scheduler, properties.require("ScheduleExpression")?)?;
        let time_zone = properties.get("ScheduleExpressionTimezone").map(Node::located).transpose()?;
        Ok(Self { time_zone, ..source })
    }

    fn read(name: &str, properties: &Node, kind: ScheduleKind, expression: &Node) -> Result<Self, LineError> {
        let state = properties.get("State").map_or(Ok("ENABLED"), Node::text)?;
        Ok(Self {
            name: properties.get("Name").map_or(Ok(name), Node::text)?.to_owned(),
            kind,
            enabled: enabled(properties)? && state == "ENABLED",
            expression: expression.text()?.to_owned(),
            line: expression.line,
            time_zone: None,
            input: properties.get("Input").map(Node::text).transpose()?.map(str::to_owned),
        })
    }
}
