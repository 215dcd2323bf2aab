//! The clock as an event source: EventBridge schedules.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>

use std::time::Duration;

use sam_template::ScheduleSource;
use serde_json::json;
use shared::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Target;
use crate::{
    invocation::{Invocation, Outcome},
    report::Tone,
};

/// A schedule that invokes a function.
#[derive(Debug)]
pub struct Schedule {
    every: Duration,
    source: ScheduleSource,
    target: Target,
}

impl Schedule {
    /// The schedule of an event.
    ///
    /// # Errors
    /// Why the expression is not understood.
    pub fn new(source: ScheduleSource, target: Target) -> Result<Self, String> {
        Ok(Self { every: rate(&source.expression)?, source, target })
    }

    /// Invokes the function each time until `stop`; the first time after one period, as EventBridge does.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = interval_at(Instant::now() + self.every, self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.fire().await,
            }
        }
    }

    async fn fire(&self) {
        let payload = self.source.input.clone().unwrap_or_else(|| self.event());
        let invocation = Invocation::new(&self.target.source, Vec::new(), payload);
        let invoked = self.target.function.invoke(invocation).await;
        match (&invoked.outcome, invoked.outcome.error_message()) {
            (Outcome::Answer(_), _) => self.target.report.invocation(&invoked, Tone::Good, "done"),
            (_, error) => {
                let why = error.unwrap_or_else(|| "throttled".to_owned());
                self.target.report.invocation(&invoked, Tone::Bad, &why);
            }
        }
    }

    fn event(&self) -> String {
        let places = &self.target.places;
        let rule =
            format!("arn:aws:events:{}:{}:rule/{}", places.region, places.account_id, self.source.name);
        json!({
            "version": "0",
            "id": Uuid::new_v4(),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": places.account_id,
            "time": Timestamp::now(),
            "region": places.region,
            "resources": [rule],
            "detail": {},
        })
        .to_string()
    }
}

/// The period of `rate(5 minutes)`.
fn rate(expression: &str) -> Result<Duration, String> {
    let unknown = || {
        format!(
            "{expression} is not supported: use rate(N minutes), rate(N hours) or rate(N days), with the unit in the singular for 1"
        )
    };
    let inner =
        expression.strip_prefix("rate(").and_then(|text| text.strip_suffix(')')).ok_or_else(unknown)?;
    let (number, unit) = inner.trim().split_once(' ').ok_or_else(unknown)?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(unknown)?;
    let seconds = match (unit.trim(), number) {
        ("minute", 1) | ("minutes", 2..) => 60,
        ("hour", 1) | ("hours", 2..) => 60 * 60,
        ("day", 1) | ("days", 2..) => 24 * 60 * 60,
        _ => return Err(unknown()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_eventbridge_does() {
        assert_eq!(rate("rate(5 minutes)"), Ok(Duration::from_secs(300)));
        assert_eq!(rate("rate(1 hour)"), Ok(Duration::from_secs(3600)));
        for bad in [
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(0 minutes)",
            "rate(5 weeks)",
            "cron(0 12 * * ? *)",
            "5 minutes",
        ] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
