//! One API call that passed through a proxy, and what AWS would bill for it.

use std::time::{Duration, SystemTime};

use crate::{permission::Permission, rules::RequestUnits, service::Service};

/// An API call that has received its response, or an error because the upstream did not respond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiCall {
    /// The access key id that signed the request, or the id at the start of its path ([`Service::Web`]); empty if it
    /// carried none.
    pub caller: String,
    /// The service that received it.
    pub service: Service,
    /// The action: `GetItem`, `SendMessage`, `POST /v1/refunds`.
    pub operation: String,
    /// The tables or the queue that the request names, each once. The name of a FIFO queue ends in `.fifo`.
    pub resources: Vec<String>,
    /// The IAM permissions that it requires.
    pub permissions: Vec<Permission>,
    /// The read and write request units that DynamoDB bills.
    pub units: RequestUnits,
    /// The API requests that SQS bills.
    pub sqs_requests: u64,
    /// The HTTP status of the response.
    pub status: u16,
    /// The error type without its namespace: `ConditionalCheckFailedException`.
    pub error_type: Option<String>,
    /// Set if `units` are too low because something could not be metered.
    pub gap: Option<MeteringGap>,
    /// When the request arrived.
    pub started: SystemTime,
    /// From the arrival of the request to the end of the response.
    pub duration: Duration,
}

/// Why the request units of an API call are incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeteringGap {
    /// `PartiQL` statements are not metered.
    PartiQl,
    /// The proxy was not given the key and the indexes of the table.
    UnknownTable,
    /// The upstream did not return an item whose size is needed.
    ItemNotRead,
    /// The request or its response does not have the form that AWS documents.
    Malformed,
}
