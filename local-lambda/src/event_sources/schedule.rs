//! The clock as an event source: rules of EventBridge and schedules of EventBridge Scheduler.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html> and
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>. Both invoke functions asynchronously.

mod cron;
mod expression;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sam_template::{ScheduleKind, ScheduleSource};
use serde_json::json;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::expression::Expression;
use super::Target;
use crate::{async_invocation::AsyncInvocations, invocation::Invocation};

/// The longest sleep: a machine that was suspended or whose clock was set is late by no more than this.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(10);

/// A schedule that invokes a function.
#[derive(Debug)]
pub struct Schedule {
    expression: Expression,
    source: ScheduleSource,
    target: Target,
    queue: Arc<AsyncInvocations>,
}

impl Schedule {
    /// The schedule of an event, whose invocations go through `queue`.
    ///
    /// # Errors
    /// The line and reason of what is not understood.
    pub fn new(
        source: ScheduleSource,
        target: Target,
        queue: Arc<AsyncInvocations>,
    ) -> Result<Self, (usize, String)> {
        Ok(Self { expression: Expression::of(&source)?, source, target, queue })
    }

    /// Invokes the function each time until `stop`. A rate fires for the first time after one period.
    pub async fn run(self, stop: CancellationToken) {
        let start = Timestamp::now();
        let mut last = start;
        while let Some(next) = self.expression.next(start, last) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = until(next) => self.fire(next),
            }
            // What was missed while the machine slept is not made up for.
            last = next.max(Timestamp::now());
        }
    }

    fn fire(&self, at: Timestamp) {
        let payload = match &self.source.input {
            Some(input) if self.source.kind == ScheduleKind::Scheduler => self.fill_in(input, at),
            Some(input) => input.clone(),
            None => self.event(at),
        };
        self.queue.accept(&self.target.function, Invocation::new(&self.target.source, Vec::new(), payload));
    }

    /// The Scheduler's context attributes:
    /// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
    fn fill_in(&self, input: &str, at: Timestamp) -> String {
        input
            .replace("<aws.scheduler.schedule-arn>", &self.arn())
            .replace("<aws.scheduler.scheduled-time>", &seconds(at))
            .replace("<aws.scheduler.execution-id>", &Uuid::new_v4().to_string())
            .replace("<aws.scheduler.attempt-number>", "1")
    }

    fn arn(&self) -> String {
        let (places, name) = (&self.target.places, &self.source.name);
        let (service, kind) = match self.source.kind {
            ScheduleKind::Rule => ("events", "rule"),
            ScheduleKind::Scheduler => ("scheduler", "schedule/default"),
        };
        format!("arn:aws:{service}:{}:{}:{kind}/{name}", places.region, places.account_id)
    }

    fn event(&self, at: Timestamp) -> String {
        let (source, detail) = match self.source.kind {
            ScheduleKind::Rule => ("aws.events", json!({})),
            // The Scheduler's detail is a text.
            ScheduleKind::Scheduler => ("aws.scheduler", json!("{}")),
        };
        json!({
            "version": "0",
            "id": Uuid::new_v4(),
            "detail-type": "Scheduled Event",
            "source": source,
            "account": self.target.places.account_id,
            "time": seconds(at),
            "region": self.target.places.region,
            "resources": [self.arn()],
            "detail": detail,
        })
        .to_string()
    }
}

/// `2026-11-21T08:15:30Z`
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn until(time: Timestamp) {
    while let Ok(left) = Duration::try_from(time.duration_since(Timestamp::now()))
        && !left.is_zero()
    {
        sleep(left.min(LOOK_AT_THE_CLOCK)).await;
    }
}
