//! Lambda's Invoke API, so that `cargo lambda invoke`, `aws lambda invoke` and any SDK reach the functions.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use hyper::{Method, Request, StatusCode, body::Incoming};
use serde_json::json;

use crate::{
    async_invocation::AsyncInvocations,
    invocation::{CompletedInvocation, Invocation, LARGEST_PAYLOAD, LogType, Outcome},
    pool::Pool,
    report::{Report, Tone},
    server::{self, BodyError, HttpResponse, Serve},
};

/// The most bytes of a log tail.
const LOG_TAIL: usize = 4 * 1024;

/// The functions by their names.
#[derive(Debug)]
pub struct InvokeApi {
    /// Each function with its logical id.
    functions: Vec<(String, Arc<Pool>)>,
    events: Arc<AsyncInvocations>,
    source: Arc<str>,
    report: Report,
}

impl Serve for InvokeApi {
    async fn handle(&self, request: Request<Incoming>) -> HttpResponse {
        let segments: Vec<_> = request.uri().path().trim_start_matches('/').split('/').collect();
        let ["2015-03-31", "functions", name, "invocations"] = segments.as_slice() else {
            return refused(StatusCode::NOT_FOUND, "UnknownOperationException", "only Invoke is supported");
        };
        if request.method() != Method::POST {
            return refused(StatusCode::METHOD_NOT_ALLOWED, "UnknownOperationException", "Invoke is a POST");
        }
        let Some(function) = self.find(name) else {
            let names: Vec<_> = self.functions.iter().map(|(_, pool)| pool.name()).collect();
            let text = format!("Function not found: {name}. The template has: {}", names.join(", "));
            return refused(StatusCode::NOT_FOUND, "ResourceNotFoundException", &text);
        };
        let kind = header(&request, "x-amz-invocation-type").unwrap_or_else(|| "RequestResponse".to_owned());
        let log_type = match header(&request, "x-amz-log-type").as_deref() {
            None | Some("None") => LogType::None,
            Some("Tail") => LogType::Tail,
            Some(other) => {
                let text = format!("{other} is not a log type: use None or Tail");
                return refused(StatusCode::BAD_REQUEST, "InvalidParameterValueException", &text);
            }
        };
        let payload = match server::body(request.into_body(), LARGEST_PAYLOAD).await {
            Ok(payload) => payload,
            Err(BodyError::TooLarge) => {
                let text = format!(
                    "Request must be smaller than {LARGEST_PAYLOAD} bytes for the InvokeFunction operation"
                );
                return refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", &text);
            }
            Err(BodyError::Broken) => {
                return refused(
                    StatusCode::BAD_REQUEST,
                    "InvalidRequestContentException",
                    "the payload ended early",
                );
            }
        };
        let payload = if payload.is_empty() { "{}".into() } else { payload };
        if serde_json::from_slice::<serde::de::IgnoredAny>(&payload).is_err() {
            let text = "Could not parse request body into json: the payload is not JSON";
            return refused(StatusCode::BAD_REQUEST, "InvalidRequestContentException", text);
        }
        let mut invocation = Invocation::new(&self.source, Vec::new(), payload);
        invocation.log_type = log_type;
        match kind.as_str() {
            "RequestResponse" => {
                let (function, report) = (Arc::clone(function), self.report.clone());
                // A task of its own: a function goes on when its caller leaves.
                let run = async move {
                    let invoked = function.invoke(invocation).await;
                    line(&report, &invoked);
                    invoked
                };
                match tokio::spawn(run).await {
                    Ok(invoked) => answer(&invoked, log_type),
                    Err(_) => refused(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "ServiceException",
                        "the stack is stopping",
                    ),
                }
            }
            "Event" => {
                self.events.accept(function, invocation);
                server::json(StatusCode::ACCEPTED, "")
            }
            "DryRun" => server::json(StatusCode::NO_CONTENT, ""),
            other => {
                let text = format!("{other} is not an invocation type: use RequestResponse, Event or DryRun");
                refused(StatusCode::BAD_REQUEST, "InvalidParameterValueException", &text)
            }
        }
    }
}

impl InvokeApi {
    /// An API to these functions, each with its logical id. Asynchronous invocations go to `events`.
    #[must_use]
    pub fn new(functions: Vec<(String, Arc<Pool>)>, events: Arc<AsyncInvocations>, report: Report) -> Self {
        Self { functions, events, source: "Invoke".into(), report }
    }

    /// By local name, logical id, or ARN; there is one version only.
    fn find(&self, name: &str) -> Option<&Arc<Pool>> {
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        let name = name.strip_suffix(":$LATEST").unwrap_or(&name);
        let known =
            |(id, pool): &&(String, Arc<Pool>)| *id == name || pool.name() == name || pool.arn() == name;
        self.functions.iter().find(known).map(|(_, pool)| pool)
    }
}

fn header(request: &Request<Incoming>, name: &str) -> Option<String> {
    request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The log as CloudWatch has it: the function's lines between Lambda's own, or the end of it.
fn log_tail(invoked: &CompletedInvocation) -> String {
    let log = format!("{}{}{}", invoked.log_start(), invoked.usage.log_tail, invoked.log_end());
    let mut start = log.len().saturating_sub(LOG_TAIL);
    while !log.is_char_boundary(start) {
        start += 1;
    }
    log[start..].to_owned()
}

fn answer(invoked: &CompletedInvocation, log_type: LogType) -> HttpResponse {
    let mut answer = match &invoked.outcome {
        Outcome::Response(payload) => server::json(StatusCode::OK, payload.clone()),
        Outcome::Error(payload) => {
            let mut answer = server::json(StatusCode::OK, payload.clone());
            answer.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            answer
        }
        Outcome::Throttled => {
            refused(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.")
        }
    };
    answer.headers_mut().insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if log_type == LogType::Tail
        && let Ok(tail) = STANDARD.encode(log_tail(invoked)).parse()
    {
        answer.headers_mut().insert("x-amz-log-result", tail);
    }
    if let Ok(id) = invoked.request_id.to_string().parse() {
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}

/// Writes the line of an invocation that nothing but its outcome is known of.
pub(crate) fn line(report: &Report, invoked: &CompletedInvocation) {
    match invoked.outcome.error_message() {
        Some(error) => report.invocation(invoked, Tone::Bad, &error),
        None if invoked.outcome == Outcome::Throttled => report.invocation(invoked, Tone::Bad, "throttled"),
        None => report.invocation(invoked, Tone::Good, "done"),
    }
}

fn refused(status: StatusCode, kind: &'static str, text: &str) -> HttpResponse {
    let mut answer =
        server::json(status, json!({"Type": "User", "Message": text, "message": text}).to_string());
    answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    answer
}
