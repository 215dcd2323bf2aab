//! What invokes functions by itself: queues, streams and the clock. Lambda's event source mappings, and EventBridge.

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
    report::{Report, Tone},
    resource_ids::ResourceIds,
};

/// What every event source needs.
#[derive(Clone, Debug)]
pub struct Target {
    /// The function that it invokes.
    pub function: Arc<Pool>,
    /// What it is called in lines and on the bill: the queue, the table, the schedule.
    pub source: Arc<str>,
    /// Names and ARNs.
    pub resource_ids: Arc<ResourceIds>,
    /// Where lines go.
    pub report: Report,
}

impl Target {
    /// Invokes the function with a batch and tells which items are not done.
    pub(crate) async fn deliver(&self, batch: &Batch<'_>) -> Delivered {
        let invocation =
            Invocation::new(&self.source, correlation::of_records(&batch.event), batch.event.to_string());
        let invoked = self.function.invoke(invocation).await;
        let count = batch.identifiers.len();
        let (delivered, tone, result) = match &invoked.outcome {
            Outcome::Response(answer) => match batch.judge(answer) {
                Ok(failed) if failed.is_empty() => (Delivered::Done, Tone::Good, format!("{count} done")),
                Ok(failed) => {
                    let result = format!("{} of {count} failed", failed.len());
                    (Delivered::Failed(failed), Tone::Fair, result)
                }
                Err(why) => (Delivered::AllFailed, Tone::Bad, format!("all {count} failed: {why}")),
            },
            Outcome::Error(_) => {
                let why = invoked.outcome.error_message().unwrap_or_default();
                (Delivered::AllFailed, Tone::Bad, format!("all {count} failed: {why}"))
            }
            Outcome::Throttled => (Delivered::Throttled, Tone::Bad, "throttled".to_owned()),
        };
        self.report.invocation(&invoked, tone, &result);
        delivered
    }
}

/// Items for one invocation.
pub(crate) struct Batch<'a> {
    pub(crate) event: serde_json::Value,
    /// The items' names in a partial batch response, in order.
    pub(crate) identifiers: Vec<&'a str>,
    /// Whether the function answers which items failed.
    pub(crate) reports_failures: bool,
}

impl Batch<'_> {
    /// The indexes of the failed items; an error when all count as failed.
    fn judge(&self, answer: &[u8]) -> Result<Vec<usize>, String> {
        if self.reports_failures {
            partial_batch::failures(&self.identifiers, answer)
        } else {
            Ok(Vec::new())
        }
    }
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    Done,
    /// The indexes of these items failed, in order.
    Failed(Vec<usize>),
    AllFailed,
    /// The function has not run: its concurrency is used up.
    Throttled,
}
