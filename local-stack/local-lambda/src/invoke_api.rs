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
    hosted_function::HostedFunction,
    invocation::{CompletedInvocation, Invocation, LARGEST_PAYLOAD, LogType, Outcome},
    pool::Pool,
    report::Report,
    server::{self, BodyError, HttpResponse, Serve},
};

/// The most bytes of a log tail.
const LOG_TAIL: usize = 4 * 1024;

/// The Invoke API of the template's functions.
#[derive(Debug)]
pub struct InvokeApi {
    functions: Vec<HostedFunction>,
    events: Arc<AsyncInvocations>,
    source: Arc<str>,
    report: Report,
}

impl Serve for InvokeApi {
    async fn handle(&self, request: Request<Incoming>) -> HttpResponse {
        let segments: Vec<_> = request.uri().path().trim_start_matches('/').split('/').collect();
        let ["2015-03-31", "functions", name, "invocations"] = segments.as_slice() else {
            return error_response(
                StatusCode::NOT_FOUND,
                "UnknownOperationException",
                "only Invoke is supported",
            );
        };
        if request.method() != Method::POST {
            return error_response(
                StatusCode::METHOD_NOT_ALLOWED,
                "UnknownOperationException",
                "Invoke is a POST",
            );
        }
        let Some(function) = self.find(name) else {
            let names: Vec<_> = self.functions.iter().map(|function| function.pool.name()).collect();
            let text = format!("Function not found: {name}. The template has: {}", names.join(", "));
            return error_response(StatusCode::NOT_FOUND, "ResourceNotFoundException", &text);
        };
        let kind = header(&request, "x-amz-invocation-type").unwrap_or_else(|| "RequestResponse".to_owned());
        let log_type = match header(&request, "x-amz-log-type").as_deref() {
            None | Some("None") => LogType::None,
            Some("Tail") => LogType::Tail,
            Some(other) => {
                let text = format!("{other} is not a log type: use None or Tail");
                return error_response(StatusCode::BAD_REQUEST, "InvalidParameterValueException", &text);
            }
        };
        let payload = match server::body(request.into_body(), LARGEST_PAYLOAD).await {
            Ok(payload) => payload,
            Err(BodyError::TooLarge) => {
                let text = format!(
                    "Request must be smaller than {LARGEST_PAYLOAD} bytes for the InvokeFunction operation"
                );
                return error_response(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", &text);
            }
            Err(BodyError::Broken) => {
                return error_response(
                    StatusCode::BAD_REQUEST,
                    "InvalidRequestContentException",
                    "the payload ended early",
                );
            }
        };
        let payload = if payload.is_empty() { "{}".into() } else { payload };
        if serde_json::from_slice::<serde::de::IgnoredAny>(&payload).is_err() {
            let text = "Could not parse request body into json: the payload is not JSON";
            return error_response(StatusCode::BAD_REQUEST, "InvalidRequestContentException", text);
        }
        let mut invocation = Invocation::new(&self.source, Vec::new(), payload);
        invocation.log_type = log_type;
        match kind.as_str() {
            "RequestResponse" => {
                let (function, report) = (Arc::clone(function), self.report.clone());
                // A separate task, because a function continues when its caller disconnects.
                let run = async move {
                    let invoked = function.invoke(invocation).await;
                    report.outcome(&invoked);
                    invoked
                };
                match tokio::spawn(run).await {
                    Ok(invoked) => response(&invoked, log_type),
                    Err(_) => error_response(
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
                error_response(StatusCode::BAD_REQUEST, "InvalidParameterValueException", &text)
            }
        }
    }
}

impl InvokeApi {
    /// An API to these functions. `Event` invocations go to `events`.
    #[must_use]
    pub fn new(functions: Vec<HostedFunction>, events: Arc<AsyncInvocations>, report: Report) -> Self {
        Self { functions, events, source: "Invoke".into(), report }
    }

    /// Finds a function by local name, logical id or ARN. There is only one version.
    fn find(&self, name: &str) -> Option<&Arc<Pool>> {
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        let name = name.strip_suffix(":$LATEST").unwrap_or(&name);
        let matches = |function: &&HostedFunction| {
            let (id, pool) = (&function.declaration.logical_id, &function.pool);
            *id == name || pool.name() == name || pool.arn() == name
        };
        self.functions.iter().find(matches).map(|function| &function.pool)
    }
}

fn header(request: &Request<Incoming>, name: &str) -> Option<String> {
    request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The last 4 KB of the log as in CloudWatch: the function's lines between Lambda's own.
fn log_tail(invoked: &CompletedInvocation) -> String {
    let log = format!("{}{}{}", invoked.log_start(), invoked.usage.log_tail, invoked.log_end());
    let mut start = log.len().saturating_sub(LOG_TAIL);
    while !log.is_char_boundary(start) {
        start += 1;
    }
    log[start..].to_owned()
}

fn response(invoked: &CompletedInvocation, log_type: LogType) -> HttpResponse {
    let mut response = match &invoked.outcome {
        Outcome::Response(payload) => server::json(StatusCode::OK, payload.clone()),
        Outcome::Error(payload) => {
            let mut response = server::json(StatusCode::OK, payload.clone());
            response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            response
        }
        Outcome::Throttled => {
            error_response(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.")
        }
    };
    response.headers_mut().insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if log_type == LogType::Tail
        && let Ok(tail) = STANDARD.encode(log_tail(invoked)).parse()
    {
        response.headers_mut().insert("x-amz-log-result", tail);
    }
    if let Ok(id) = invoked.request_id.to_string().parse() {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

fn error_response(status: StatusCode, kind: &'static str, text: &str) -> HttpResponse {
    let mut response =
        server::json(status, json!({"Type": "User", "Message": text, "message": text}).to_string());
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    response
}
