//! Whether and when an event is tried again: pure decisions, in Lambda's time.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::time::Duration;

use super::{Condition, FASTER, Rules};
use crate::invocation::Outcome;

const MINUTE: Duration = Duration::from_secs(60);
/// The first wait after a throttle; twice as long after each further one.
const AFTER_THROTTLE: Duration = Duration::from_secs(1);
const AFTER_THROTTLE_AT_MOST: Duration = Duration::from_secs(5 * 60);

/// What an event has been through.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// How often the function has run with it.
    pub(super) invocations: u32,
    throttles: u32,
    /// What it would have waited on AWS.
    waited: Duration,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again after this, in Lambda's time.
    Retry(Duration),
    End(Condition),
}

impl Attempts {
    /// Takes in how an attempt went. `since` is the time here from the event's arrival on.
    pub(super) fn next(&mut self, rules: &Rules, outcome: &Outcome, since: Duration) -> Next {
        let wait = match outcome {
            Outcome::Response(_) => {
                self.invocations += 1;
                return Next::End(Condition::Success);
            }
            Outcome::Error(_) => {
                self.invocations += 1;
                if self.invocations > rules.maximum_retries {
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
        if age + wait > rules.maximum_age {
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
    use crate::async_invocation::Destinations;

    fn rules(maximum_retries: u32, age_minutes: u32) -> Rules {
        Rules { maximum_retries, maximum_age: MINUTE * age_minutes, destinations: Destinations::default() }
    }

    /// Plays an event to its end with one outcome: the waits, in seconds, and the end.
    fn play(rules: &Rules, outcome: &Outcome) -> (Vec<u64>, Condition) {
        let (mut attempts, mut since, mut waits) = (Attempts::default(), Duration::ZERO, Vec::new());
        loop {
            match attempts.next(rules, outcome, since) {
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
        assert_eq!(play(&rules(2, 360), &error), (vec![60, 120], Condition::RetriesExhausted));
        assert_eq!(play(&rules(0, 360), &error), (vec![], Condition::RetriesExhausted));
        assert_eq!(play(&rules(2, 360), &Outcome::Response("{}".into())), (vec![], Condition::Success));
    }

    #[test]
    fn invocation_async_error_handling_an_event_that_would_be_too_old_is_not_tried_again() {
        let error = Outcome::error("Error", "no");
        assert_eq!(play(&rules(2, 2), &error), (vec![60], Condition::EventAgeExceeded));
    }

    #[test]
    fn invocation_async_error_handling_throttles_are_retried_as_long_as_the_event_lives() {
        let (waits, end) = play(&rules(0, 60), &Outcome::Throttled);
        assert_eq!(end, Condition::EventAgeExceeded);
        assert_eq!(waits[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert!(waits.iter().sum::<u64>() <= 60 * 60, "{waits:?}");
    }
}
