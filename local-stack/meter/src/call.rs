//! One call that passed the proxy, and what AWS would bill for it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::{permission::Permission, units::Units};

/// A call that was answered, or that the target left unanswered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The access key id that signed the call, or that its path began with ([`Service::Web`]); empty if there was none.
    pub caller: String,
    /// What was called.
    pub service: Service,
    /// The action: `GetItem`, `SendMessage`, `POST /v1/refunds`.
    pub operation: String,
    /// The tables, or the queue, that the call names; each once. A queue's name ends in `.fifo` if it is one.
    pub resources: Vec<String>,
    /// What the caller must be allowed to do for it.
    pub permissions: Vec<Permission>,
    /// DynamoDB's read and write units.
    pub units: Units,
    /// SQS requests as they are billed.
    pub sqs_requests: u64,
    /// The HTTP status that the caller got.
    pub status: u16,
    /// The error's name without its namespace: `ConditionalCheckFailedException`.
    pub error_type: Option<String>,
    /// Why the units are too low, where something could not be counted.
    pub uncounted: Option<Uncounted>,
    /// When the call came in.
    pub started: SystemTime,
    /// From there until its answer was whole.
    pub duration: Duration,
}

/// A service that the proxy can stand before; as text, `dynamodb`, `sqs` or `web`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// DynamoDB and DynamoDB Streams: AWS JSON 1.0.
    DynamoDb,
    /// SQS, in its AWS JSON protocol.
    Sqs,
    /// Any other HTTP API, such as a payment provider's. AWS bills nothing for it.
    Web,
}

/// Why a call's units are incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncounted {
    /// `PartiQL` statements are not metered.
    PartiQl,
    /// The table is not among those that the proxy was given, so neither its key nor its indexes are known.
    UnknownTable,
    /// An item that the units depend on could not be read from the target.
    Unread,
    /// The request or its answer is not of the form that AWS documents.
    Malformed,
}

impl Service {
    /// The namespace of the error that says that the service failed.
    pub(crate) fn internal_error(self) -> &'static str {
        match self {
            Self::DynamoDb => "com.amazonaws.dynamodb.v20120810#InternalServerError",
            Self::Sqs => "com.amazonaws.sqs#InternalError",
            Self::Web => "InternalServerError",
        }
    }

    /// What its answers are said to be.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::DynamoDb | Self::Sqs => "application/x-amz-json-1.0",
            Self::Web => "application/json",
        }
    }
}
