//! `Type: Schedule` and `Type: ScheduleV2`
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-schedulev2.html>

use crate::{
    error::Position,
    members::{Known, Members},
    text::Located,
};

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
    /// The place of the expression.
    pub at: Position,
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

/// What EventBridge does when it cannot invoke the function does not happen here, and it invokes at the beginning of a
/// flexible time window.
const RULE: Known = Known {
    of: "a Schedule event",
    supported: &["Enabled", "Input", "Name", "Schedule", "State"],
    ignored: &["DeadLetterConfig", "Description", "RetryPolicy", "RoleArn"],
    hints: &[],
};

const SCHEDULER: Known = Known {
    of: "a ScheduleV2 event",
    supported: &["Input", "Name", "ScheduleExpression", "ScheduleExpressionTimezone", "State"],
    ignored: &[
        "DeadLetterConfig",
        "Description",
        "FlexibleTimeWindow",
        "GroupName",
        "KmsKeyArn",
        "OmitName",
        "PermissionsBoundary",
        "RetryPolicy",
        "RoleArn",
    ],
    hints: &[
        ("EndDate", "a schedule runs as long as the stack; leave it out"),
        ("StartDate", "a schedule runs from the start of the stack; leave it out"),
    ],
};

impl ScheduleSource {
    pub(super) fn rule(name: &str, properties: Members<'_>) -> Option<Self> {
        Self::read(name, properties.check(&RULE), ScheduleKind::Rule, "Schedule")
    }

    pub(super) fn scheduler(name: &str, properties: Members<'_>) -> Option<Self> {
        let properties = properties.check(&SCHEDULER);
        let time_zone = properties.located("ScheduleExpressionTimezone");
        let source = Self::read(name, properties, ScheduleKind::Scheduler, "ScheduleExpression")?;
        Some(Self { time_zone, ..source })
    }

    fn read(name: &str, properties: Members<'_>, kind: ScheduleKind, expression: &str) -> Option<Self> {
        properties.require(expression);
        let enabled = properties.boolean("Enabled").unwrap_or(true);
        let state = properties.text("State").unwrap_or("ENABLED");
        let name = properties.text("Name").unwrap_or(name);
        let input = properties.text("Input");
        let expression = properties.located(expression)?;
        Some(Self {
            name: name.to_owned(),
            kind,
            enabled: enabled && state == "ENABLED",
            expression: expression.text,
            at: expression.at,
            time_zone: None,
            input: input.map(str::to_owned),
        })
    }
}
