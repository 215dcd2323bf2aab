//! The last calls that functions made, for tests and for the curious.

use std::{collections::VecDeque, sync::Arc};

use meter::{ApiCall, Permission, Service, rules::RequestUnits};
use serde::Serialize;

/// How many calls are kept.
const KEPT: usize = 10_000;

/// One call of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedCall {
    /// Counts all calls from 1.
    pub number: u64,
    /// Who called.
    pub function: Arc<str>,
    /// What was called.
    pub service: Service,
    /// `GetItem`, `SendMessageBatch`, `POST /v1/refunds`.
    pub operation: String,
    /// Tables, or the queue.
    pub resources: Vec<String>,
    /// What its policy must allow for it.
    pub permissions: Vec<Permission>,
    /// DynamoDB units.
    pub units: RequestUnits,
    /// SQS requests.
    pub sqs_requests: u64,
    /// The HTTP status.
    pub status: u16,
    /// The error, if it was answered with one.
    pub error_type: Option<String>,
    /// Microseconds until the answer was whole.
    pub duration_us: u64,
}

/// A ring of calls.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    last: VecDeque<RecordedCall>,
    count: u64,
}

impl CallLog {
    pub(super) fn push(&mut self, function: &Arc<str>, call: &ApiCall) {
        self.count += 1;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(RecordedCall {
            number: self.count,
            function: Arc::clone(function),
            service: call.service,
            operation: call.operation.clone(),
            resources: call.resources.clone(),
            permissions: call.permissions.clone(),
            units: call.units,
            sqs_requests: call.sqs_requests,
            status: call.status,
            error_type: call.error_type.clone(),
            duration_us: u64::try_from(call.duration.as_micros()).unwrap_or(u64::MAX),
        });
    }

    /// The calls after this number that are still kept, oldest first.
    pub(super) fn after(&self, number: u64) -> Vec<RecordedCall> {
        self.last.iter().filter(|seen| seen.number > number).cloned().collect()
    }
}
