//! Lambda's Invoke API, so that `cargo lambda invoke`, `aws lambda invoke` and any SDK reach the functions.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::sync::Arc;

use http::HeaderValue;
use hyper::{Method, Request, StatusCode, body::Incoming};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    async_invocation::AsyncInvocations,
    invocation::{Invocation, Invoked, LARGEST_PAYLOAD, Outcome},
    pool::Pool,
    report::{Report, Tone},
    server::{self, Answer, BodyError},
};

/// The functions by their names.
#[derive(Debug)]
pub struct InvokeApi {
    /// Each function with its logical id.
    functions: Vec<(String, Arc<Pool>)>,
    events: Arc<AsyncInvocations>,
    source: Arc<str>,
    report: Report,
}

impl InvokeApi {
    /// An API to these functions, each with its logical id. Asynchronous invocations go to `events`.
    #[must_use]
    pub fn new(functions: Vec<(String, Arc<Pool>)>, events: Arc<AsyncInvocations>, report: Report) -> Self {
        Self { functions, events, source: "Invoke".into(), report }
    }

    /// Answers requests until `stop`.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let api = Arc::new(self);
        server::serve(listener, stop, move |request| {
            let api = Arc::clone(&api);
            async move { api.handle(request).await }
        })
        .await;
    }

    async fn handle(&self, request: Request<Incoming>) -> Answer {
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
        let kind = request.headers().get("x-amz-invocation-type").cloned();
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
        let invocation = Invocation::new(&self.source, Vec::new(), payload);
        match kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or("RequestResponse") {
            "RequestResponse" => {
                let (function, report) = (Arc::clone(function), self.report.clone());
                // A task of its own: a function goes on when its caller leaves.
                let run = async move {
                    let invoked = function.invoke(invocation).await;
                    line(&report, &invoked);
                    invoked
                };
                match tokio::spawn(run).await {
                    Ok(invoked) => answer(&invoked),
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

    /// By local name, logical id, or ARN.
    fn find(&self, name: &str) -> Option<&Arc<Pool>> {
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        let known =
            |(id, pool): &&(String, Arc<Pool>)| *id == name || pool.name() == name || pool.arn() == name;
        self.functions.iter().find(known).map(|(_, pool)| pool)
    }
}

fn answer(invoked: &Invoked) -> Answer {
    let mut answer = match &invoked.outcome {
        Outcome::Answer(payload) => server::json(StatusCode::OK, payload.clone()),
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
    if let Ok(id) = invoked.request_id.to_string().parse() {
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}

/// Writes the line of an invocation that nothing but its outcome is known of.
pub(crate) fn line(report: &Report, invoked: &Invoked) {
    match invoked.outcome.error_message() {
        Some(error) => report.invocation(invoked, Tone::Bad, &error),
        None if invoked.outcome == Outcome::Throttled => report.invocation(invoked, Tone::Bad, "throttled"),
        None => report.invocation(invoked, Tone::Good, "done"),
    }
}

fn refused(status: StatusCode, kind: &'static str, text: &str) -> Answer {
    let mut answer =
        server::json(status, json!({"Type": "User", "Message": text, "message": text}).to_string());
    answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    answer
}
