//! The configuration of asynchronous invocation: `EventInvokeConfig` and `DeadLetterQueue` of a function.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html>

use std::time::Duration;

use super::{Destination, destination};
use crate::{error::LineError, node::Node};

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

impl EventInvokeConfig {
    /// Reads the function's own properties and, where these are not set, the globals.
    pub(super) fn read(own: &Node, globals: &Node) -> Result<Self, LineError> {
        let at = |path: &[&str]| own.at(path).or_else(|| globals.at(path));
        let number = |key: &str, range| match at(&["EventInvokeConfig", key]) {
            Some(node) => node.number_within(key, range).map(Some),
            None => Ok(None),
        };
        let destination_of = |key: &str| {
            let node = at(&["EventInvokeConfig", "DestinationConfig", key]);
            node.map(|node| destination(node, "Destination")).transpose()
        };
        let age = number("MaximumEventAgeInSeconds", 60..=MAX_AGE)?;
        Ok(Self {
            maximum_retries: number("MaximumRetryAttempts", 0..=2)?.unwrap_or(2),
            maximum_age: Duration::from_secs(age.unwrap_or(MAX_AGE).into()),
            on_success: destination_of("OnSuccess")?,
            on_failure: destination_of("OnFailure")?,
            dead_letter_queue: at(&["DeadLetterQueue"])
                .map(|node| destination(node, "TargetArn"))
                .transpose()?,
        })
    }
}
