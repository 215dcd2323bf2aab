//! One invocation of a function: its event, its outcome and its usage.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderValue;
use meter::bill::billed_duration_ms;
use serde_json::json;
use uuid::Uuid;

/// The largest payload and response of a synchronous invocation: 6 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;

/// An event for a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The Lambda request id.
    pub request_id: Uuid,
    /// What invokes the function, for people: `POST /orders`, `PaymentsQueue`.
    pub source: Arc<str>,
    /// The correlation ids of the event; several when its records have several.
    pub correlations: Vec<String>,
    /// Whether the response contains the end of the log.
    pub log_type: LogType,
    /// The client context of the caller, JSON.
    pub client_context: Option<HeaderValue>,
    /// The event, JSON.
    pub payload: Bytes,
}

/// `X-Amz-Log-Type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogType {
    /// The response does not contain the log.
    None,
    /// The response contains the last 4 KB.
    Tail,
}

impl Invocation {
    /// An invocation with a new request id.
    #[must_use]
    pub fn new(source: &Arc<str>, correlations: Vec<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            request_id: Uuid::new_v4(),
            source: Arc::clone(source),
            correlations,
            log_type: LogType::None,
            client_context: None,
            payload: payload.into(),
        }
    }

    /// The invocation with its outcome.
    pub(crate) fn completed(self, outcome: Outcome, usage: Usage) -> CompletedInvocation {
        let Self { request_id, source, correlations, .. } = self;
        CompletedInvocation { request_id, source, correlations, outcome, usage }
    }
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function's response.
    Response(Bytes),
    /// The function failed: Lambda's error object, `{"errorType", "errorMessage"}`.
    Error(Bytes),
    /// The function has not run: the concurrency of the function or the account is used up.
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
pub struct CompletedInvocation {
    /// The Lambda request id.
    pub request_id: Uuid,
    /// What invoked the function.
    pub source: Arc<str>,
    /// The correlation ids of the event.
    pub correlations: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The time and memory that it used.
    pub usage: Usage,
}

impl CompletedInvocation {
    /// The lines that Lambda itself writes to the log.
    #[must_use]
    pub fn platform_log(&self) -> String {
        format!("{}{}", self.log_start(), self.log_end())
    }

    /// The START line, before those of the function.
    #[must_use]
    pub fn log_start(&self) -> String {
        format!("START RequestId: {} Version: $LATEST\n", self.request_id)
    }

    /// The END and REPORT lines, after those of the function.
    #[must_use]
    pub fn log_end(&self) -> String {
        let (id, usage) = (self.request_id, &self.usage);
        let milliseconds = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        let mut report = format!(
            "REPORT RequestId: {id}\tDuration: {}\tBilled Duration: {} ms\tMemory Size: {} MB",
            milliseconds(usage.duration),
            usage.billed_ms(),
            usage.memory_mb
        );
        if let Some(most) = usage.most_memory_mb {
            report.push_str(&format!("\tMax Memory Used: {most} MB"));
        }
        if let Some(init) = usage.init {
            report.push_str(&format!("\tInit Duration: {}", milliseconds(init)));
        }
        format!("END RequestId: {id}\n{report}\n")
    }
}

/// The time, memory and log of an invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The function's local name.
    pub function: Arc<str>,
    /// The configured memory, in MB.
    pub memory_mb: u32,
    /// The duration of the init phase, if this invocation started an environment.
    pub init: Option<Duration>,
    /// The time from the function's receiving the event to its response.
    pub duration: Duration,
    /// The most memory that the process has held so far, in MB, where the system reports it.
    pub most_memory_mb: Option<u64>,
    /// Bytes that the process wrote to its log.
    pub log_bytes: u64,
    /// The number of these lines.
    pub log_lines: u64,
    /// The last lines, at most 4 KB.
    pub log_tail: String,
}

impl Usage {
    /// The billed milliseconds: init and duration, rounded up. Init counts since August 2025.
    /// <https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/>
    #[must_use]
    pub fn billed_ms(&self) -> u64 {
        billed_duration_ms(self.duration + self.init.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_up_and_include_init() {
        let warm = Usage { duration: Duration::from_micros(1_001), ..Usage::default() };
        assert_eq!(warm.billed_ms(), 2);
        let cold = Usage { init: Some(Duration::from_micros(2_500)), ..warm };
        assert_eq!(cold.billed_ms(), 4);
    }
}
