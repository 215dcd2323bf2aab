//! The Lambda Runtime API of one execution environment.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>: the process requests the next invocation, handles
//! it, posts its response or error, and requests the next one.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use hyper::{Method, Request, StatusCode, body::Incoming};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    faults::Faults,
    function_config::FunctionConfig,
    invocation::{Invocation, LARGEST_PAYLOAD, Outcome},
    server::{self, BodyError, HttpResponse, Serve},
};

const PREFIX: &str = "/2018-06-01/runtime/";

/// An invocation that the process has not received yet.
#[derive(Debug)]
pub struct PendingInvocation {
    /// The event.
    pub invocation: Invocation,
    /// Signals that the process has received the event.
    pub received: oneshot::Sender<()>,
    /// Receives the outcome.
    pub completed: oneshot::Sender<Outcome>,
}

/// The server's side of one environment.
#[derive(Debug)]
pub struct RuntimeApi {
    function: Arc<str>,
    function_arn: String,
    timeout: Duration,
    faults: Arc<Faults>,
    kill: CancellationToken,
    invocations: tokio::sync::Mutex<mpsc::Receiver<PendingInvocation>>,
    current: Mutex<Option<Current>>,
    init: Mutex<Option<oneshot::Sender<Result<(), Outcome>>>>,
}

#[derive(Debug)]
struct Current {
    request_id: String,
    completed: oneshot::Sender<Outcome>,
}

impl Serve for RuntimeApi {
    async fn handle(&self, request: Request<Incoming>) -> HttpResponse {
        let method = request.method().clone();
        let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["invocation", "next"] if method == Method::GET => self.next().await,
            ["invocation", _, "response"] if self.faults.kills_before_response(&self.function) => {
                // The environment ends as if the process had crashed before it could respond.
                self.kill.cancel();
                error_response(StatusCode::GONE, "Closed", "a fault that was asked for")
            }
            ["invocation", id, "response"] if method == Method::POST => {
                self.complete(id, request.into_body(), Outcome::Response).await
            }
            ["invocation", id, "error"] if method == Method::POST => {
                self.complete(id, request.into_body(), Outcome::Error).await
            }
            ["init", "error"] if method == Method::POST => {
                let error = server::body(request.into_body(), LARGEST_PAYLOAD).await.unwrap_or_default();
                self.initialised(Err(Outcome::Error(error)));
                accepted()
            }
            _ => error_response(StatusCode::NOT_FOUND, "NotFound", "the Runtime API has no such path"),
        }
    }
}

impl RuntimeApi {
    /// An API that hands out `invocations`. `init` receives the end of the init phase: its success when the process
    /// requests its first invocation, or its failure. `kill` kills the process.
    #[must_use]
    pub fn new(
        config: &FunctionConfig,
        faults: Arc<Faults>,
        kill: CancellationToken,
        invocations: mpsc::Receiver<PendingInvocation>,
        init: oneshot::Sender<Result<(), Outcome>>,
    ) -> Self {
        Self {
            function: Arc::clone(&config.function),
            function_arn: config.function_arn.clone(),
            timeout: config.timeout,
            faults,
            kill,
            invocations: tokio::sync::Mutex::new(invocations),
            current: Mutex::new(None),
            init: Mutex::new(Some(init)),
        }
    }

    fn initialised(&self, result: Result<(), Outcome>) {
        if let Some(init) = self.init.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = init.send(result);
        }
    }

    async fn next(&self) -> HttpResponse {
        self.initialised(Ok(()));
        let mut invocations = self.invocations.lock().await;
        loop {
            let Some(PendingInvocation { invocation, received, completed }) = invocations.recv().await else {
                return error_response(StatusCode::GONE, "Closed", "the environment is being shut down");
            };
            if received.send(()).is_err() {
                // The invoker waits no longer.
                continue;
            }
            let request_id = invocation.request_id.to_string();
            let current = Current { request_id: request_id.clone(), completed };
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
            return self.event(&request_id, invocation);
        }
    }

    fn event(&self, request_id: &str, invocation: Invocation) -> HttpResponse {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let deadline = (now + self.timeout).as_millis().to_string();
        let trace = format!("Root=1-{:08x}-{:024x};Sampled=0", now.as_secs(), fastrand::u128(..) >> 32);
        let mut response = server::json(StatusCode::OK, invocation.payload);
        if let Some(context) = invocation.client_context {
            response.headers_mut().insert("lambda-runtime-client-context", context);
        }
        let headers = [
            ("lambda-runtime-aws-request-id", request_id),
            ("lambda-runtime-deadline-ms", &deadline),
            ("lambda-runtime-invoked-function-arn", &self.function_arn),
            ("lambda-runtime-trace-id", &trace),
        ];
        for (name, value) in headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    async fn complete(
        &self,
        id: &str,
        body: Incoming,
        outcome: impl FnOnce(Bytes) -> Outcome,
    ) -> HttpResponse {
        let completed = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            match current.take() {
                Some(Current { request_id, completed }) if request_id == id => completed,
                other => {
                    *current = other;
                    return error_response(
                        StatusCode::BAD_REQUEST,
                        "InvalidRequestID",
                        "another invocation is running",
                    );
                }
            }
        };
        match server::body(body, LARGEST_PAYLOAD).await {
            Ok(body) => {
                let _ = completed.send(outcome(body));
                accepted()
            }
            Err(BodyError::TooLarge) => {
                let message = format!(
                    "Response payload size exceeded maximum allowed payload size ({LARGEST_PAYLOAD} bytes)."
                );
                let _ = completed.send(Outcome::error("Function.ResponseSizeTooLarge", &message));
                error_response(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
            }
            // The process ended while it sent its response, which is reported as a crash.
            Err(BodyError::Broken) => {
                error_response(StatusCode::BAD_REQUEST, "InvalidRequest", "the body ended early")
            }
        }
    }
}

fn accepted() -> HttpResponse {
    server::json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

fn error_response(status: StatusCode, kind: &str, message: &str) -> HttpResponse {
    server::json(status, serde_json::json!({"errorType": kind, "errorMessage": message}).to_string())
}
