//! Asynchronous invocations: accepted at once, tried again when they fail, and told of when they end.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html>. Schedules and the Invoke API's `Event` come
//! this way. Events wait in memory: those that have not ended when the stack stops are lost.
//!
//! Nobody waits minutes at a laptop, so waiting takes a sixtieth of Lambda's time: the retries after an error come
//! after 1 and 2 seconds instead of minutes, those after a throttle after 17 ms up to 5 s instead of 1 s up to 5
//! minutes. An event's age is counted as if it had waited as long as on AWS, so `MaximumEventAgeInSeconds` has the same
//! effect.

mod attempts;
mod destination;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::attempts::{Attempts, Next};
pub use self::destination::Destinations;
use crate::{
    invocation::{CompletedInvocation, Invocation},
    invoke_api,
    pool::Pool,
    report::Report,
};

/// How many times faster than Lambda's the waits are.
const FASTER: u32 = 60;

/// What a function's template says about its asynchronous invocations.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Retries after an error of the function.
    pub maximum_retries: u32,
    /// How old an event may become.
    pub maximum_age: Duration,
    /// Who hears of the end.
    pub destinations: Destinations,
}

/// The events of all functions that wait or are under way.
#[derive(Debug)]
pub struct AsyncInvocations {
    /// By the functions' names.
    rules: BTreeMap<String, Rules>,
    /// Sends to destinations.
    client: aws_sdk_sqs::Client,
    report: Report,
    stop: CancellationToken,
}

impl AsyncInvocations {
    /// No events yet. `rules` are by the functions' names; after `stop`, nothing is tried again.
    #[must_use]
    pub fn new(
        rules: BTreeMap<String, Rules>,
        client: aws_sdk_sqs::Client,
        report: Report,
        stop: CancellationToken,
    ) -> Self {
        Self { rules, client, report, stop }
    }

    /// Takes an event and returns at once.
    pub fn accept(self: &Arc<Self>, function: &Arc<Pool>, invocation: Invocation) {
        let (queue, function) = (Arc::clone(self), Arc::clone(function));
        tokio::spawn(async move { queue.run(&function, invocation).await });
    }

    async fn run(&self, function: &Pool, invocation: Invocation) {
        let Some(rules) = self.rules.get(function.name()) else { return };
        let accepted = Instant::now();
        let mut attempts = Attempts::default();
        loop {
            // Each attempt has the same request id, as in Lambda.
            let invoked = function.invoke(invocation.clone()).await;
            invoke_api::line(&self.report, &invoked);
            let condition = match attempts.next(rules, &invoked.outcome, accepted.elapsed()) {
                Next::Retry(wait) => {
                    let slept = self.stop.run_until_cancelled(sleep(wait / FASTER)).await;
                    if slept.is_none() {
                        return;
                    }
                    continue;
                }
                Next::End(condition) => condition,
            };
            if !self.stop.is_cancelled() {
                let end = End { invocation: &invocation, invoked: &invoked, condition, attempts: &attempts };
                self.tell(function, rules, &end).await;
            }
            return;
        }
    }
}

/// The end of an event.
struct End<'a> {
    invocation: &'a Invocation,
    invoked: &'a CompletedInvocation,
    condition: Condition,
    attempts: &'a Attempts,
}

/// Why an event has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
}
