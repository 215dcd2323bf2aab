//! Asynchronous invocations: accepted at once, retried when they fail, and sent to destinations when they end.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html>. Schedules and the Invoke API's `Event`
//! invocations use them. Events wait in memory: those that have not ended when the stack stops are lost.
//!
//! Waiting takes a sixtieth of Lambda's time: retries after an error follow after 1 and 2 seconds instead of minutes,
//! retries after a throttle after 17 ms to 5 s instead of 1 s to 5 minutes. An event's age is counted as if it had
//! waited as long as on AWS, so `MaximumEventAgeInSeconds` has the same effect.

mod attempts;
mod destination;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use self::attempts::RetryPolicy;
use self::attempts::{Attempts, FASTER, Next};
pub use self::destination::Destinations;
use self::destination::FinishedEvent;
use crate::{invocation::Invocation, pool::Pool, report::Report};

/// A function's settings for asynchronous invocations.
#[derive(Clone, Debug)]
pub struct Rules {
    /// When events are retried.
    pub retries: RetryPolicy,
    /// Where the results of invocations are sent.
    pub destinations: Destinations,
}

/// The events of all functions that wait or are being handled.
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
    /// No events yet. `rules` are by the functions' names; after `stop`, nothing is retried.
    #[must_use]
    pub fn new(
        rules: BTreeMap<String, Rules>,
        client: aws_sdk_sqs::Client,
        report: Report,
        stop: CancellationToken,
    ) -> Self {
        Self { rules, client, report, stop }
    }

    /// Accepts an event and returns at once.
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
            self.report.outcome(&invoked);
            let condition = match attempts.next(&rules.retries, &invoked.outcome, accepted.elapsed()) {
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
                let event = FinishedEvent {
                    invocation: &invocation,
                    outcome: &invoked.outcome,
                    function_arn: &function.arn(),
                    condition,
                    invocations: attempts.invocations,
                };
                rules.destinations.send(&event, &self.client, &self.report).await;
            }
            return;
        }
    }
}
