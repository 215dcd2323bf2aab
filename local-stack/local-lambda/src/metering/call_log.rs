//! The latest calls of functions to AWS, for the control API.

use std::{collections::VecDeque, sync::Arc};

use meter::{ApiCall, Permission, Service, rules::RequestUnits};
use serde::Serialize;

/// The most calls in the log.
const CAPACITY: usize = 10_000;

/// One call of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedCall {
    /// The number of the call, counted from 1.
    pub number: u64,
    /// The function that made it.
    pub function: Arc<str>,
    /// The service that it called.
    pub service: Service,
    /// `GetItem`, `SendMessageBatch`, `POST /v1/refunds`.
    pub operation: String,
    /// The tables, or the queue.
    pub resources: Vec<String>,
    /// The permissions that it needs.
    pub permissions: Vec<Permission>,
    /// DynamoDB units.
    pub units: RequestUnits,
    /// SQS requests.
    pub sqs_requests: u64,
    /// The HTTP status.
    pub status: u16,
    /// The type of the error, if the response is one.
    pub error_type: Option<String>,
    /// Microseconds until the response was complete.
    pub duration_us: u64,
}

/// The latest calls.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    latest: VecDeque<RecordedCall>,
    count: u64,
}

impl CallLog {
    pub(super) fn push(&mut self, function: &Arc<str>, call: &ApiCall) {
        self.count += 1;
        if self.latest.len() == CAPACITY {
            self.latest.pop_front();
        }
        self.latest.push_back(RecordedCall {
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

    /// The calls after this number that are still in the log, oldest first.
    pub(super) fn after(&self, number: u64) -> Vec<RecordedCall> {
        self.latest.iter().filter(|call| call.number > number).cloned().collect()
    }
}
