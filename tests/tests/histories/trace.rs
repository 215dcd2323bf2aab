//! What was seen while a history ran: who asked for what, from when to when, and what came of it.

use std::time::Instant;

use e2e::Response;
use serde_json::Value;

/// One thing that was done.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The step's number.
    pub(crate) step: usize,
    pub(crate) span: Span,
    pub(crate) operation: Operation,
}

/// From before the first request to after the last answer: what it did to the shop, it did in between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) begun: Instant,
    pub(crate) over: Instant,
}

impl Span {
    /// Whether this was over before the other began.
    pub(crate) fn before(&self, other: &Self) -> bool {
        self.over <= other.begun
    }
}

/// What was done, and its response.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// An order was asked for: with the key of the step `key`, or without. No response where none was clear: then the
    /// order may have been made or not.
    Order {
        key: Option<usize>,
        requested: crate::history::RequestedOrder,
        response: Option<RecordedResponse>,
    },
    /// An order was asked to be cancelled.
    Cancel { order_id: String, response: RecordedResponse },
    /// An order was read.
    ReadOrder { order_id: String, response: RecordedResponse },
    /// What is no order was asked to be cancelled.
    CancelUnknown { response: RecordedResponse },
    /// A product was read.
    ReadProduct { product: usize, response: RecordedResponse },
    /// Pieces came.
    Restock { product: usize, pieces: i64 },
    /// The price rose.
    RaisePrice { product: usize, by: i64 },
}

/// A response, as far as the model looks at it.
#[derive(Clone, Debug)]
pub(crate) struct RecordedResponse {
    pub(crate) status: u16,
    /// The problem's name, if it is one.
    problem: Option<String>,
    pub(crate) replayed: bool,
    pub(crate) body: Value,
}

impl From<&Response> for RecordedResponse {
    fn from(response: &Response) -> Self {
        Self {
            status: response.status,
            problem: response.problem(),
            replayed: response.header("idempotency-replayed") == "true",
            body: serde_json::from_slice(&response.body).unwrap_or_default(),
        }
    }
}

impl RecordedResponse {
    /// The order in it, if there is one.
    pub(crate) fn order(&self) -> Option<&Value> {
        matches!(self.status, 200 | 201).then_some(&self.body).filter(|body| body["order_id"].is_string())
    }

    /// The problem's name.
    pub(crate) fn problem(&self) -> &str {
        self.problem.as_deref().unwrap_or_default()
    }
}
