//! What becomes of a batch that fails: pure decisions.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html> and
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

use sam_template::StreamSource;

use super::Item;
use crate::event_sources::Delivered;

/// The first wait after a failure; about twice as long after each further one. AWS does not tell its own.
const RETRY_AFTER: Duration = Duration::from_millis(200);
const RETRY_AFTER_AT_MOST: Duration = Duration::from_secs(10);

/// A batch, whole or in parts, until all of it is done or given up. The order is kept: a part is only looked at when
/// those before it have ended.
#[derive(Debug)]
pub(super) struct Retries<'a> {
    source: &'a StreamSource,
    parts: VecDeque<Part>,
}

#[derive(Debug)]
enum Part {
    Left(Attempt),
    Lost(GivenUp),
}

/// Records for one invocation.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) items: Vec<Item>,
    /// Failures so far.
    retries: u32,
    /// Throttles in a row.
    throttles: u32,
}

/// Records that are not tried any more.
#[derive(Debug)]
pub(super) struct GivenUp {
    pub(super) items: Vec<Item>,
    pub(super) condition: Condition,
    /// How often the function was invoked with them.
    pub(super) invocations: u32,
}

/// Why records are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    Invoke(Attempt),
    GiveUp(GivenUp),
}

impl Condition {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

impl<'a> Retries<'a> {
    pub(super) fn new(source: &'a StreamSource, items: Vec<Item>) -> Self {
        Self { source, parts: VecDeque::from([Part::Left(Attempt { items, retries: 0, throttles: 0 })]) }
    }

    /// The next step; none when the batch is at its end. Every [`Step::Invoke`] is followed by [`Self::ended`].
    pub(super) fn next(&mut self, now: SystemTime) -> Option<Step> {
        let Attempt { items, retries, throttles } = match self.parts.pop_front()? {
            Part::Left(attempt) => attempt,
            Part::Lost(given_up) => return Some(Step::GiveUp(given_up)),
        };
        let (old, items): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| self.too_old(item, now));
        let attempt = Attempt { items, retries, throttles };
        if old.is_empty() {
            return Some(Step::Invoke(attempt));
        }
        if !attempt.items.is_empty() {
            self.parts.push_front(Part::Left(attempt));
        }
        let condition = Condition::RecordAgeExceeded;
        Some(Step::GiveUp(GivenUp { items: old, condition, invocations: retries }))
    }

    fn too_old(&self, item: &Item, now: SystemTime) -> bool {
        let age = now.duration_since(item.created).unwrap_or_default();
        self.source.maximum_age.is_some_and(|most| age > most)
    }

    /// Takes in how an attempt went, and tells how long to wait before the next step.
    pub(super) fn ended(&mut self, attempt: Attempt, delivered: &Delivered) -> Duration {
        let Attempt { mut items, retries, throttles } = attempt;
        let left = |items, retries, throttles| Part::Left(Attempt { items, retries, throttles });
        match delivered {
            Delivered::Done => Duration::ZERO,
            // The function has not run: that is no retry.
            Delivered::Throttled => {
                self.parts.push_front(left(items, retries, throttles.saturating_add(1)));
                backoff(throttles)
            }
            // The checkpoint is before the first failed record; those after it come again as well.
            Delivered::Failed(failed) if failed.first().is_some_and(|first| *first > 0) => {
                let rest = items.split_off(failed.first().copied().unwrap_or_default());
                self.parts.push_front(left(rest, 0, 0));
                Duration::ZERO
            }
            // Splitting is no retry.
            Delivered::AllFailed if self.source.bisect_on_error && items.len() > 1 => {
                let back = items.split_off(items.len() / 2);
                self.parts.push_front(left(back, retries, 0));
                self.parts.push_front(left(items, retries, 0));
                Duration::ZERO
            }
            Delivered::Failed(_) | Delivered::AllFailed => {
                let invocations = retries.saturating_add(1);
                if self.source.maximum_retries.is_some_and(|most| retries >= most) {
                    let condition = Condition::RetryAttemptsExhausted;
                    self.parts.push_front(Part::Lost(GivenUp { items, condition, invocations }));
                    return Duration::ZERO;
                }
                self.parts.push_front(left(items, invocations, 0));
                backoff(retries)
            }
        }
    }
}

/// Exponential, with jitter.
fn backoff(failures: u32) -> Duration {
    let ceiling = RETRY_AFTER.saturating_mul(1 << failures.min(10)).min(RETRY_AFTER_AT_MOST);
    ceiling.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests;
