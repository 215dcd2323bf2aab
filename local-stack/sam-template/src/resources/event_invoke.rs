//! What becomes of asynchronous invocations: `EventInvokeConfig` and `DeadLetterQueue` of a function.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html>

use std::time::Duration;

use super::{Destination, destination};
use crate::{error::LineError, node::Node};

/// How often and how long an asynchronous event is tried, and who hears of its end. Defaults are those of Lambda.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventInvokeConfig {
    /// Retries after an error of the function, 0 to 2.
    pub maximum_retries: u32,
    /// How old an event may become before it is dropped, 1 minute to 6 hours.
    pub maximum_age: Duration,
    /// Hears of events that were handled.
    pub on_success: Option<Destination>,
    /// Hears of events that were given up.
    pub on_failure: Option<Destination>,
    /// Gets the events that were given up.
    pub dead_letter_queue: Option<Destination>,
}

/// The longest that an event can wait, in seconds: 6 hours.
const LONGEST_AGE: u32 = 21_600;

impl EventInvokeConfig {
    /// Reads it from the function's own properties and, for what these leave out, the globals.
    pub(super) fn read(own: &Node, globals: &Node) -> Result<Self, LineError> {
        let at = |path: &[&str]| own.at(path).or_else(|| globals.at(path));
        let number = |key: &str, range| match at(&["EventInvokeConfig", key]) {
            Some(node) => node.number_within(key, range).map(Some),
            None => Ok(None),
        };
        let outcome = |key: &str| {
            let node = at(&["EventInvokeConfig", "DestinationConfig", key]);
            node.map(|node| destination(node, "Destination")).transpose()
        };
        let age = number("MaximumEventAgeInSeconds", 60..=LONGEST_AGE)?;
        Ok(Self {
            maximum_retries: number("MaximumRetryAttempts", 0..=2)?.unwrap_or(2),
            maximum_age: Duration::from_secs(age.unwrap_or(LONGEST_AGE).into()),
            on_success: outcome("OnSuccess")?,
            on_failure: outcome("OnFailure")?,
            dead_letter_queue: at(&["DeadLetterQueue"])
                .map(|node| destination(node, "TargetArn"))
                .transpose()?,
        })
    }
}
