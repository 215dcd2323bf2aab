//! HTTP functions: each API Gateway event becomes one response and one log line.
//!
//! A function is `serve(|request| async { ... })`. It reads what it needs from the [`Request`] and returns a [`Response`]
//! or a [`Problem`]; `serve` turns a problem into a response of the type `application/problem+json`.

mod body;
mod conditional;
mod log_line;
mod response;

use std::future::Future;

use lambda_http::{RequestExt, request::RequestContext, service_fn};

use self::log_line::LogLine;
pub use self::{body::MAX_BODY, response::Response};
use domain_primitives::{Problem, Violation};

use crate::Deadline;

/// One HTTP request to a function.
#[derive(Debug)]
pub struct Request {
    event: lambda_http::Request,
    request_id: String,
    deadline: Deadline,
}

impl Request {
    /// Wraps an event of API Gateway.
    #[must_use]
    pub fn new(event: lambda_http::Request) -> Self {
        let context = event.lambda_context_ref().cloned().unwrap_or_default();
        Self { deadline: Deadline::from_context(&context), request_id: context.request_id, event }
    }

    /// When the response is due.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The id that links the log lines of everything this request causes: API Gateway's request id, which the client
    /// receives too.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        gateway_request_id(&self.event).unwrap_or(&self.request_id)
    }

    /// A path parameter, percent-decoded.
    #[must_use]
    pub fn path_parameter(&self, name: &str) -> Option<String> {
        self.event.path_parameters_ref().and_then(|parameters| parameters.first(name)).map(str::to_owned)
    }

    /// A query parameter, percent-decoded.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        self.event.query_string_parameters_ref().and_then(|query| query.first(name)).map(str::to_owned)
    }

    /// A header as text.
    ///
    /// # Errors
    /// A 400 problem when it holds bytes beyond visible ASCII.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Problem> {
        let Some(value) = self.event.headers().get(name) else {
            return Ok(None);
        };
        let text = value.to_str().map_err(|_| {
            Problem::invalid(vec![Violation::new(name.to_owned(), "must be visible ASCII characters")])
        })?;
        Ok(Some(text))
    }
}

fn gateway_request_id(event: &lambda_http::Request) -> Option<&str> {
    match event.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.as_deref(),
        _ => None,
    }
}

/// Handles HTTP requests with `handler` until Lambda ends the execution environment.
///
/// Each invocation writes one log line: method, route, status, duration and, for a problem, its type and cause.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn serve<'a, F, Fut, P>(handler: F) -> Result<(), lambda_http::Error>
where
    F: Fn(Request) -> Fut,
    Fut: Future<Output = Result<Response, P>> + Send + 'a,
    P: Into<Problem>,
{
    let mut cold = true;
    lambda_http::run(service_fn(move |event: lambda_http::Request| {
        let line = LogLine::start(&event, std::mem::take(&mut cold));
        let request = Request::new(event);
        let request_id = request.request_id.clone();
        let correlation_id = request.correlation_id().to_owned();
        let response = handler(request);
        async move {
            let response = match response.await {
                Ok(response) => {
                    line.write(&request_id, &correlation_id, response.status, None);
                    response
                }
                Err(problem) => {
                    let problem = problem.into();
                    line.write(&request_id, &correlation_id, problem.status(), Some(&problem));
                    let body = problem.body(&request_id).to_string();
                    Response { body: Some(body), ..Response::from(problem) }
                }
            };
            response.into_lambda_response()
        }
    }))
    .await
}
