//! Event sources: Lambda's event source mappings of queues and streams, and EventBridge's schedules.

mod correlation;
pub mod filter;
pub mod partial_batch;
mod payload;
pub mod schedule;
pub mod sqs;
pub mod stream;

use std::sync::Arc;

use crate::{
    invocation::{Invocation, Outcome},
    pool::Pool,
    report::{Report, Severity},
    resource_ids::ResourceIds,
};

/// What every event source needs.
#[derive(Clone, Debug)]
pub struct Target {
    /// The function that it invokes.
    pub function: Arc<Pool>,
    /// Its name in lines and on the bill: the queue, the table, the schedule.
    pub source: Arc<str>,
    /// Names and ARNs.
    pub resource_ids: Arc<ResourceIds>,
    /// Where lines go.
    pub report: Report,
}

impl Target {
    /// Invokes the function with a batch.
    pub(crate) async fn invoke(&self, batch: &Batch<'_>) -> BatchResult {
        let invocation =
            Invocation::new(&self.source, correlation::of_records(&batch.event), batch.event.to_string());
        let invoked = self.function.invoke(invocation).await;
        let count = batch.identifiers.len();
        let (batch_result, severity, text) = match &invoked.outcome {
            Outcome::Response(response) => match batch.failures(response) {
                Ok(failed) if failed.is_empty() => {
                    (BatchResult::AllSucceeded, Severity::Success, format!("{count} done"))
                }
                Ok(failed) => {
                    let text = format!("{} of {count} failed", failed.len());
                    (BatchResult::SomeFailed(failed), Severity::Warning, text)
                }
                Err(why) => (BatchResult::AllFailed, Severity::Failure, format!("all {count} failed: {why}")),
            },
            Outcome::Error(_) => {
                let why = invoked.outcome.error_message().unwrap_or_default();
                (BatchResult::AllFailed, Severity::Failure, format!("all {count} failed: {why}"))
            }
            Outcome::Throttled => (BatchResult::Throttled, Severity::Failure, "throttled".to_owned()),
        };
        self.report.invocation(&invoked, severity, &text);
        batch_result
    }
}

/// Items for one invocation.
pub(crate) struct Batch<'a> {
    pub(crate) event: serde_json::Value,
    /// The items' identifiers in a partial batch response, in order.
    pub(crate) identifiers: Vec<&'a str>,
    /// Whether the function reports which items failed.
    pub(crate) reports_failures: bool,
}

impl Batch<'_> {
    /// The indexes of the failed items. An error says why all items count as failed.
    fn failures(&self, response: &[u8]) -> Result<Vec<usize>, String> {
        if self.reports_failures {
            partial_batch::failures(&self.identifiers, response)
        } else {
            Ok(Vec::new())
        }
    }
}

/// The result of an invocation with a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BatchResult {
    AllSucceeded,
    /// The indexes of the failed items, in order.
    SomeFailed(Vec<usize>),
    AllFailed,
    /// The function has not run, because its concurrency is used up.
    Throttled,
}
