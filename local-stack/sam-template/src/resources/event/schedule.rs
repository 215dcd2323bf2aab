//! `Type: Schedule` and `Type: ScheduleV2`
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-schedulev2.html>

use super::mapping::enabled;
use crate::{error::Fault, node::Node};

/// A schedule of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSource {
    /// The name of the event, or `Name`.
    pub name: String,
    /// Which of the two services keeps it.
    pub kind: ScheduleKind,
    /// Whether it fires at all.
    pub enabled: bool,
    /// `rate(5 minutes)`, `cron(...)`, and for the Scheduler `at(...)`.
    pub expression: String,
    /// The line of the template that holds the expression.
    pub line: usize,
    /// The time zone of the expression, `Europe/Berlin`, with its line; UTC without.
    pub time_zone: Option<(usize, String)>,
    /// The event's payload, if it is not the usual one.
    pub input: Option<String>,
}

/// The two services that keep schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleKind {
    /// A rule of EventBridge: `Type: Schedule`.
    Rule,
    /// EventBridge Scheduler: `Type: ScheduleV2`.
    Scheduler,
}

impl ScheduleSource {
    pub(super) fn rule(name: &str, properties: &Node) -> Result<Self, Fault> {
        Self::read(name, properties, ScheduleKind::Rule, properties.require("Schedule")?)
    }

    pub(super) fn scheduler(name: &str, properties: &Node) -> Result<Self, Fault> {
        for key in ["StartDate", "EndDate"] {
            if let Some(node) = properties.get(key) {
                return Err(node.fault(format!("{key} is not supported: leave it out")));
            }
        }
        let source =
            Self::read(name, properties, ScheduleKind::Scheduler, properties.require("ScheduleExpression")?)?;
        let zone = properties.get("ScheduleExpressionTimezone");
        let zone = zone.map(|zone| Ok((zone.line, zone.text()?.to_owned()))).transpose()?;
        Ok(Self { time_zone: zone, ..source })
    }

    fn read(name: &str, properties: &Node, kind: ScheduleKind, expression: &Node) -> Result<Self, Fault> {
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
