//! The configuration of asynchronous invocation: `EventInvokeConfig` and `DeadLetterQueue` of a function.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html>

use std::time::Duration;

use super::{Destination, destination};
use crate::members::{Known, Members};

/// The retries of asynchronous invocations, and their destinations. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventInvokeConfig {
    /// The number of retries after a function error, 0 to 2.
    pub maximum_retries: u32,
    /// The age at which an event is discarded, 1 minute to 6 hours.
    pub maximum_age: Duration,
    /// Receives the records of events that succeeded.
    pub on_success: Option<Destination>,
    /// Receives the records of events that were discarded.
    pub on_failure: Option<Destination>,
    /// Receives the discarded events.
    pub dead_letter_queue: Option<Destination>,
}

/// The largest `MaximumEventAgeInSeconds`: 6 hours.
const MAX_AGE: u32 = 21_600;

const CONFIG: Known = Known {
    of: "EventInvokeConfig",
    supported: &["DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"],
    ignored: &[],
    hints: &[],
};

const DESTINATIONS: Known =
    Known { of: "DestinationConfig", supported: &["OnFailure", "OnSuccess"], ignored: &[], hints: &[] };

impl EventInvokeConfig {
    pub(super) fn read(function: Members<'_>) -> Self {
        let config = function.members("EventInvokeConfig").map(|config| config.check(&CONFIG));
        let destinations = config.and_then(|config| config.members("DestinationConfig"));
        let destinations = destinations.map(|destinations| destinations.check(&DESTINATIONS));
        let destination_of = |key: &str| destination(destinations?.members(key)?, "Destination");
        let number = |key: &str, range| config?.within(key, range);
        let age = number("MaximumEventAgeInSeconds", 60..=MAX_AGE).unwrap_or(MAX_AGE);
        Self {
            maximum_retries: number("MaximumRetryAttempts", 0..=2).unwrap_or(2),
            maximum_age: Duration::from_secs(age.into()),
            on_success: destination_of("OnSuccess"),
            on_failure: destination_of("OnFailure"),
            dead_letter_queue: function
                .members("DeadLetterQueue")
                .and_then(|queue| destination(queue, "TargetArn")),
        }
    }
}
