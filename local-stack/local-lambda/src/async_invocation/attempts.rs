//! Decides whether and when an event is retried, in Lambda's time.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::time::Duration;

use crate::invocation::Outcome;

/// How many times shorter than Lambda's the waits are.
pub(super) const FASTER: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);
/// The first wait after a throttle; twice as long after each further one.
const AFTER_THROTTLE: Duration = Duration::from_secs(1);
const AFTER_THROTTLE_AT_MOST: Duration = Duration::from_secs(5 * 60);

/// When events of a function are retried.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// Retries after an error of the function.
    pub maximum_retries: u32,
    /// `MaximumEventAgeInSeconds`
    pub maximum_age: Duration,
}

/// The attempts to handle an event.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// How often the function has run.
    pub(super) invocations: u32,
    throttles: u32,
    /// How long the event would have waited on AWS.
    waited: Duration,
}

/// Why an event has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Retry after this wait, in Lambda's time.
    Retry(Duration),
    End(Condition),
}

impl Attempts {
    /// Counts an attempt and its outcome. `since` is the real time since the event was accepted.
    pub(super) fn next(&mut self, policy: &RetryPolicy, outcome: &Outcome, since: Duration) -> Next {
        let wait = match outcome {
            Outcome::Response(_) => {
                self.invocations += 1;
                return Next::End(Condition::Success);
            }
            Outcome::Error(_) => {
                self.invocations += 1;
                if self.invocations > policy.maximum_retries {
                    return Next::End(Condition::RetriesExhausted);
                }
                // 1 minute before the first retry, 2 before the second.
                MINUTE * self.invocations
            }
            Outcome::Throttled => {
                let wait = AFTER_THROTTLE.saturating_mul(1 << self.throttles.min(16));
                self.throttles += 1;
                wait.min(AFTER_THROTTLE_AT_MOST)
            }
        };
        let age = since + self.waited - self.waited / FASTER;
        if age + wait > policy.maximum_age {
            return Next::End(Condition::EventAgeExceeded);
        }
        self.waited += wait;
        Next::Retry(wait)
    }
}

impl Condition {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(maximum_retries: u32, age_minutes: u32) -> RetryPolicy {
        RetryPolicy { maximum_retries, maximum_age: MINUTE * age_minutes }
    }

    /// Repeats one outcome until the event ends: the waits, in seconds, and the condition.
    fn attempt_until_end(policy: &RetryPolicy, outcome: &Outcome) -> (Vec<u64>, Condition) {
        let (mut attempts, mut since, mut waits) = (Attempts::default(), Duration::ZERO, Vec::new());
        loop {
            match attempts.next(policy, outcome, since) {
                Next::Retry(wait) => {
                    since += wait / FASTER;
                    waits.push(wait.as_secs());
                }
                Next::End(condition) => return (waits, condition),
            }
        }
    }

    #[test]
    fn invocation_async_error_handling_two_retries_after_one_and_two_minutes() {
        let error = Outcome::error("Error", "no");
        assert_eq!(attempt_until_end(&policy(2, 360), &error), (vec![60, 120], Condition::RetriesExhausted));
        assert_eq!(attempt_until_end(&policy(0, 360), &error), (vec![], Condition::RetriesExhausted));
        assert_eq!(
            attempt_until_end(&policy(2, 360), &Outcome::Response("{}".into())),
            (vec![], Condition::Success)
        );
    }

    #[test]
    fn invocation_async_error_handling_an_event_that_would_be_too_old_is_not_tried_again() {
        let error = Outcome::error("Error", "no");
        assert_eq!(attempt_until_end(&policy(2, 2), &error), (vec![60], Condition::EventAgeExceeded));
    }

    #[test]
    fn invocation_async_error_handling_throttles_are_retried_as_long_as_the_event_lives() {
        let (waits, end) = attempt_until_end(&policy(0, 60), &Outcome::Throttled);
        assert_eq!(end, Condition::EventAgeExceeded);
        assert_eq!(waits[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert!(waits.iter().sum::<u64>() <= 60 * 60, "{waits:?}");
    }
}
