//! One invocation of a function: what goes in, what comes out.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

/// The largest payload and answer of a synchronous invocation: 6 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;

/// An event on its way to a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The Lambda request id.
    pub request_id: Uuid,
    /// The event, JSON.
    pub payload: Bytes,
}

impl Invocation {
    /// An invocation with an id of its own.
    #[must_use]
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { request_id: Uuid::new_v4(), payload: payload.into() }
    }
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function's answer.
    Answer(Bytes),
    /// The function failed: Lambda's error object, `{"errorType", "errorMessage"}`.
    Error(Bytes),
    /// No environment may be started: the function's reserved concurrency is used up.
    Throttled,
}

impl Outcome {
    /// A failure in Lambda's words.
    #[must_use]
    pub fn error(kind: &str, message: &str) -> Self {
        Self::Error(json!({"errorType": kind, "errorMessage": message}).to_string().into())
    }

    /// The message of a failure.
    #[must_use]
    pub fn error_message(&self) -> Option<String> {
        let Self::Error(body) = self else { return None };
        let error: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let message = error["errorMessage"].as_str().or_else(|| error["errorType"].as_str());
        Some(message.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned))
    }
}

/// An invocation that has ended.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// The function's local name.
    pub function: String,
    /// The Lambda request id.
    pub request_id: Uuid,
    /// How it ended.
    pub outcome: Outcome,
    /// How long the environment took to start, if this invocation started one.
    pub init: Option<Duration>,
    /// From the function's taking the event to its answer.
    pub duration: Duration,
}
