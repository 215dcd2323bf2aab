//! HTTP functions: each API Gateway event becomes one response and one log line.
//!
//! A function is `serve(|request| async { ... })`. It reads what it needs from the [`Request`] and returns a [`Response`]
//! or a [`Problem`]; `serve` turns a problem into a response of the type `application/problem+json`.

mod log_line;
mod response;

use std::future::Future;

use lambda_http::{RequestExt, http::header, request::RequestContext, service_fn};
use serde::de::DeserializeOwned;

use self::log_line::LogLine;
pub use self::response::Response;
use domain_primitives::{Problem, Violation};

use crate::Deadline;

/// The largest request body: 64 KiB.
pub const MAX_BODY: usize = 64 * 1024;

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

    /// The JSON body.
    ///
    /// # Errors
    /// A problem with status 413 for a body over [`MAX_BODY`], 415 when it is not declared as `application/json`, and
    /// 400 with a pointer when it is not JSON of the expected shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body: &[u8] = self.event.body();
        if body.len() > MAX_BODY {
            let detail = format!("The body has {} bytes; {MAX_BODY} are allowed.", body.len());
            return Err(Problem::new(413, "payload-too-large", "The request body is too large", detail));
        }
        if !self.header(header::CONTENT_TYPE.as_str())?.is_some_and(is_json) {
            let detail = "Send the body as content-type: application/json.";
            return Err(Problem::new(
                415,
                "unsupported-media-type",
                "The content type is not supported",
                detail,
            ));
        }
        let mut reader = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let pointer = pointer(error.path());
            Problem::invalid(vec![Violation::new(pointer, error.into_inner().to_string())])
        })?;
        reader.end().map_err(|error| Problem::invalid(vec![Violation::new("", error.to_string())]))?;
        Ok(value)
    }
}

fn gateway_request_id(event: &lambda_http::Request) -> Option<&str> {
    match event.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.request_id.as_deref(),
        _ => None,
    }
}

/// Whether a Content-Type is JSON in UTF-8.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    })
}

/// A JSON Pointer (RFC 6901) to the value at which deserialization stopped.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    })
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

#[cfg(test)]
mod tests {
    use lambda_http::{Body, http};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Lines {
        #[allow(dead_code, reason = "the tests only check that it can be read")]
        items: Vec<std::num::NonZeroU32>,
    }

    fn read(content_type: &str, body: impl Into<Body>) -> Result<Lines, Problem> {
        let request =
            http::Request::builder().header("content-type", content_type).body(body.into()).unwrap();
        Request::new(request).json()
    }

    fn refused(content_type: &str, body: impl Into<Body>) -> serde_json::Value {
        read(content_type, body).unwrap_err().body("request-1")
    }

    #[test]
    fn a_wrong_value_is_pointed_at() {
        let body = refused("application/json", r#"{"items":[1,0]}"#);
        assert_eq!(body["errors"][0]["pointer"], "/items/1", "{body}");
    }

    #[test]
    fn anything_but_one_json_document_of_the_shape_is_400() {
        for text in [
            "",
            "{",
            "null",
            "[]",
            r#"{"items":[1]} x"#,
            r#"{"items":[1],"extra":2}"#,
            r#"{"items":[1],"items":[2]}"#,
        ] {
            assert_eq!(refused("application/json", text)["status"], 400, "{text}");
        }
        assert_eq!(refused("application/json", Body::Binary(vec![b'"', 0xff, b'"']))["status"], 400);
    }

    #[test]
    fn content_types_other_than_json_are_415() {
        for content_type in ["text/plain", "application/jsonx", "application/json; charset=latin1", "json"] {
            assert_eq!(refused(content_type, r#"{"items":[1]}"#)["status"], 415, "{content_type}");
        }
        for content_type in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert!(read(content_type, r#"{"items":[1]}"#).is_ok(), "{content_type}");
        }
    }

    #[test]
    fn a_body_over_64_kib_is_413_whatever_it_holds() {
        assert_eq!(refused("text/plain", "x".repeat(MAX_BODY + 1))["status"], 413);
        assert_eq!(refused("application/json", "x".repeat(MAX_BODY))["status"], 400);
    }
}
