//! The Lambda Runtime API of one execution environment.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>: the process asks for the next invocation, works,
//! posts the answer or an error, and asks again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use hyper::{Method, Request, StatusCode, body::Incoming};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    environment::FunctionConfig,
    faults::Faults,
    invocation::{Invocation, LARGEST_PAYLOAD, Outcome},
    server::{self, BodyError, HttpResponse, Serve},
};

const PREFIX: &str = "/2018-06-01/runtime/";

/// One invocation on its way through the API.
#[derive(Debug)]
pub struct Work {
    /// The event.
    pub invocation: Invocation,
    /// Told when the process has taken the event.
    pub taken: oneshot::Sender<()>,
    /// Told how it ended.
    pub ended: oneshot::Sender<Outcome>,
}

/// The server's side of one environment.
#[derive(Debug)]
pub struct RuntimeApi {
    function: Arc<str>,
    function_arn: String,
    timeout: Duration,
    faults: Arc<Faults>,
    kill: CancellationToken,
    work: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    current: Mutex<Option<Current>>,
    init: Mutex<Option<oneshot::Sender<Result<(), Outcome>>>>,
}

#[derive(Debug)]
struct Current {
    request_id: String,
    ended: oneshot::Sender<Outcome>,
}

impl Serve for RuntimeApi {
    async fn handle(&self, request: Request<Incoming>) -> HttpResponse {
        let method = request.method().clone();
        let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["invocation", "next"] if method == Method::GET => self.next().await,
            ["invocation", _, "response"] if self.faults.kills_response(&self.function) => {
                // The environment ends as if the process had died before it could answer.
                self.kill.cancel();
                refused(StatusCode::GONE, "Closed", "a fault that was asked for")
            }
            ["invocation", id, "response"] if method == Method::POST => {
                self.end(id, request.into_body(), Outcome::Response).await
            }
            ["invocation", id, "error"] if method == Method::POST => {
                self.end(id, request.into_body(), Outcome::Error).await
            }
            ["init", "error"] if method == Method::POST => {
                let error = server::body(request.into_body(), LARGEST_PAYLOAD).await.unwrap_or_default();
                self.initialised(Err(Outcome::Error(error)));
                accepted()
            }
            _ => refused(StatusCode::NOT_FOUND, "NotFound", "the Runtime API has no such path"),
        }
    }
}

impl RuntimeApi {
    /// An API that hands out what comes through `work`, and tells `init` when the process first asks for it, or that
    /// its start failed.
    #[must_use]
    pub fn new(
        config: &FunctionConfig,
        (faults, kill): (Arc<Faults>, CancellationToken),
        work: mpsc::Receiver<Work>,
        init: oneshot::Sender<Result<(), Outcome>>,
    ) -> Self {
        Self {
            function: Arc::clone(&config.function),
            function_arn: config.function_arn.clone(),
            timeout: config.timeout,
            faults,
            kill,
            work: tokio::sync::Mutex::new(work),
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
        let mut work = self.work.lock().await;
        loop {
            let Some(Work { invocation, taken, ended }) = work.recv().await else {
                return refused(StatusCode::GONE, "Closed", "the environment is being shut down");
            };
            if taken.send(()).is_err() {
                // Whoever asked for this has given up.
                continue;
            }
            let request_id = invocation.request_id.to_string();
            let current = Current { request_id: request_id.clone(), ended };
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
            return self.event(&request_id, invocation.payload);
        }
    }

    fn event(&self, request_id: &str, payload: Bytes) -> HttpResponse {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let deadline = (now + self.timeout).as_millis().to_string();
        let trace = format!("Root=1-{:08x}-{:024x};Sampled=0", now.as_secs(), fastrand::u128(..) >> 32);
        let mut answer = server::json(StatusCode::OK, payload);
        let headers = [
            ("lambda-runtime-aws-request-id", request_id),
            ("lambda-runtime-deadline-ms", &deadline),
            ("lambda-runtime-invoked-function-arn", &self.function_arn),
            ("lambda-runtime-trace-id", &trace),
        ];
        for (name, value) in headers {
            if let Ok(value) = value.parse() {
                answer.headers_mut().insert(name, value);
            }
        }
        answer
    }

    async fn end(&self, id: &str, body: Incoming, outcome: impl FnOnce(Bytes) -> Outcome) -> HttpResponse {
        let ended = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            match current.take() {
                Some(Current { request_id, ended }) if request_id == id => ended,
                other => {
                    *current = other;
                    return refused(
                        StatusCode::BAD_REQUEST,
                        "InvalidRequestID",
                        "another invocation is under way",
                    );
                }
            }
        };
        match server::body(body, LARGEST_PAYLOAD).await {
            Ok(body) => {
                let _ = ended.send(outcome(body));
                accepted()
            }
            Err(BodyError::TooLarge) => {
                let message = format!(
                    "Response payload size exceeded maximum allowed payload size ({LARGEST_PAYLOAD} bytes)."
                );
                let _ = ended.send(Outcome::error("Function.ResponseSizeTooLarge", &message));
                refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
            }
            // The process went away while it answered: its end is reported as a crash.
            Err(BodyError::Broken) => {
                refused(StatusCode::BAD_REQUEST, "InvalidRequest", "the body ended early")
            }
        }
    }
}

fn accepted() -> HttpResponse {
    server::json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

fn refused(status: StatusCode, kind: &str, message: &str) -> HttpResponse {
    server::json(status, serde_json::json!({"errorType": kind, "errorMessage": message}).to_string())
}
