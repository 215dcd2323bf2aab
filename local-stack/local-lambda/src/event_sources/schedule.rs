//! Schedules as event sources: EventBridge rules and EventBridge Scheduler.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html> and
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>. Both invoke functions asynchronously.

mod cron;
mod expression;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sam_template::{Problem, ScheduleKind, ScheduleSource};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[doc(hidden)]
pub use self::expression::Expression;
use super::Target;
use crate::{async_invocation::AsyncInvocations, aws_account::AwsAccount, invocation::Invocation};

/// The longest sleep. A schedule is at most so late after the machine was suspended or its clock was set.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// A schedule that invokes a function.
#[derive(Debug)]
pub struct Schedule {
    expression: Expression,
    source: ScheduleSource,
    target: Target,
    async_invocations: Arc<AsyncInvocations>,
}

impl Schedule {
    /// A schedule that invokes its target through `async_invocations`.
    ///
    /// # Errors
    /// An expression that is malformed.
    pub fn new(
        source: ScheduleSource,
        target: Target,
        async_invocations: Arc<AsyncInvocations>,
    ) -> Result<Self, Problem> {
        Ok(Self { expression: Expression::of(&source)?, source, target, async_invocations })
    }

    /// Invokes the function each time until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let start = Timestamp::now();
        let mut next = match (self.source.kind, &self.expression) {
            // A rate of the Scheduler fires at once, that of a rule after one period.
            (ScheduleKind::Scheduler, Expression::Rate(_)) => Some(start),
            _ => self.expression.next(start, start),
        };
        while let Some(at) = next {
            tokio::select! {
                () = stop.cancelled() => return,
                () = until(at) => self.fire(at),
            }
            // Times that were missed while the machine was suspended are skipped.
            next = self.expression.next(start, at.max(Timestamp::now()));
        }
    }

    fn fire(&self, at: Timestamp) {
        let (kind, account) = (self.source.kind, &self.target.resource_ids.account);
        let arn = arn(&self.source, account);
        let payload = match &self.source.input {
            Some(input) if kind == ScheduleKind::Scheduler => fill_in(input, &arn, at),
            Some(input) => input.clone(),
            None => event(kind, &arn, account, at).to_string(),
        };
        let invocation = Invocation::new(&self.target.source, Vec::new(), payload);
        self.async_invocations.accept(&self.target.function, invocation);
    }
}

/// The Scheduler's context attributes:
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
fn fill_in(input: &str, schedule: &str, at: Timestamp) -> String {
    input
        .replace("<aws.scheduler.schedule-arn>", schedule)
        .replace("<aws.scheduler.scheduled-time>", &seconds(at))
        .replace("<aws.scheduler.execution-id>", &Uuid::new_v4().to_string())
        .replace("<aws.scheduler.attempt-number>", "1")
}

fn arn(source: &ScheduleSource, account: &AwsAccount) -> String {
    match source.kind {
        ScheduleKind::Rule => account.arn("events", &format!("rule/{}", source.name)),
        ScheduleKind::Scheduler => account.arn("scheduler", &format!("schedule/default/{}", source.name)),
    }
}

/// The payload of a schedule without an input.
fn event(kind: ScheduleKind, arn: &str, account: &AwsAccount, at: Timestamp) -> Value {
    let (source, detail) = match kind {
        ScheduleKind::Rule => ("aws.events", json!({})),
        // The Scheduler's detail is a string.
        ScheduleKind::Scheduler => ("aws.scheduler", json!("{}")),
    };
    json!({
        "version": "0",
        "id": Uuid::new_v4(),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": account.id,
        "time": seconds(at),
        "region": account.region,
        "resources": [arn],
        "detail": detail,
    })
}

/// `2026-11-21T08:15:30Z`
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn until(time: Timestamp) {
    while let Ok(left) = Duration::try_from(time.duration_since(Timestamp::now()))
        && !left.is_zero()
    {
        sleep(left.min(LONGEST_SLEEP)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eb_scheduled_rule_pattern_the_event_of_a_rule() {
        let account = AwsAccount { id: "123456789012".to_owned(), region: "eu-west-1".to_owned() };
        let at: Timestamp = "2026-11-21T08:15:30Z".parse().unwrap();
        let arn = "arn:aws:events:eu-west-1:123456789012:rule/Tick";
        let mut event = event(ScheduleKind::Rule, arn, &account, at);
        assert!(event["id"].take().is_string());
        let expected = json!({
            "version": "0",
            "id": null,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "time": "2026-11-21T08:15:30Z",
            "region": "eu-west-1",
            "resources": [arn],
            "detail": {},
        });
        assert_eq!(event, expected);
    }
}
