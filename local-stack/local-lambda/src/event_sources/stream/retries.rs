//! Decides whether a batch that fails is retried, split or discarded.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html> and
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

use sam_template::StreamSource;

use super::mapping::Item;
use crate::event_sources::BatchResult;

/// The first wait after a failure; about twice as long after each further one. AWS does not document its waits.
const RETRY_AFTER: Duration = Duration::from_millis(200);
const RETRY_AFTER_AT_MOST: Duration = Duration::from_secs(10);

/// A batch, whole or in parts, until all of it is processed or discarded. The order is kept: a part is handled only when
/// those before it have ended.
#[derive(Debug)]
pub(super) struct Retries<'a> {
    source: &'a StreamSource,
    parts: VecDeque<Part>,
}

#[derive(Debug)]
enum Part {
    Pending(Attempt),
    Discarded(DiscardedRecords),
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

/// Records that are not retried.
#[derive(Debug)]
pub(super) struct DiscardedRecords {
    pub(super) items: Vec<Item>,
    pub(super) condition: Condition,
    /// How often the function was invoked with them.
    pub(super) invocations: u32,
}

/// Why records are discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    Invoke(Attempt),
    Discard(DiscardedRecords),
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
        Self { source, parts: VecDeque::from([Part::Pending(Attempt { items, retries: 0, throttles: 0 })]) }
    }

    /// The next step; none at the end of the batch. Every [`Step::Invoke`] is followed by [`Self::ended`].
    pub(super) fn next(&mut self, now: SystemTime) -> Option<Step> {
        let Attempt { items, retries, throttles } = match self.parts.pop_front()? {
            Part::Pending(attempt) => attempt,
            Part::Discarded(discarded) => return Some(Step::Discard(discarded)),
        };
        let (old, items): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| self.too_old(item, now));
        let attempt = Attempt { items, retries, throttles };
        if old.is_empty() {
            return Some(Step::Invoke(attempt));
        }
        if !attempt.items.is_empty() {
            self.parts.push_front(Part::Pending(attempt));
        }
        let condition = Condition::RecordAgeExceeded;
        Some(Step::Discard(DiscardedRecords { items: old, condition, invocations: retries }))
    }

    fn too_old(&self, item: &Item, now: SystemTime) -> bool {
        let age = now.duration_since(item.created).unwrap_or_default();
        self.source.maximum_age.is_some_and(|most| age > most)
    }

    /// Records the result of an attempt, and returns how long to wait before the next step.
    pub(super) fn ended(&mut self, attempt: Attempt, result: &BatchResult) -> Duration {
        let Attempt { mut items, retries, throttles } = attempt;
        let pending = |items, retries, throttles| Part::Pending(Attempt { items, retries, throttles });
        match result {
            BatchResult::AllSucceeded => Duration::ZERO,
            // The function has not run, so this does not count as a retry.
            BatchResult::Throttled => {
                self.parts.push_front(pending(items, retries, throttles.saturating_add(1)));
                backoff(throttles)
            }
            // The checkpoint is before the first failed record: the records after it are retried as well.
            BatchResult::SomeFailed(failed) if failed.first().is_some_and(|first| *first > 0) => {
                let rest = items.split_off(failed.first().copied().unwrap_or_default());
                self.parts.push_front(pending(rest, 0, 0));
                Duration::ZERO
            }
            // Splitting does not count as a retry.
            BatchResult::AllFailed if self.source.bisect_on_error && items.len() > 1 => {
                let second_half = items.split_off(items.len() / 2);
                self.parts.push_front(pending(second_half, retries, 0));
                self.parts.push_front(pending(items, retries, 0));
                Duration::ZERO
            }
            BatchResult::SomeFailed(_) | BatchResult::AllFailed => {
                let invocations = retries.saturating_add(1);
                if self.source.maximum_retries.is_some_and(|most| retries >= most) {
                    let condition = Condition::RetryAttemptsExhausted;
                    self.parts.push_front(Part::Discarded(DiscardedRecords {
                        items,
                        condition,
                        invocations,
                    }));
                    return Duration::ZERO;
                }
                self.parts.push_front(pending(items, invocations, 0));
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
