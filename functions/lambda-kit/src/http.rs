//! The HTTP border: an API Gateway event in, one answer and one log line out.
//!
//! A function is `serve(|call| async { ... })`: it reads what it needs from the [`Call`], returns an [`Answer`] or a
//! [`Problem`], and never sees HTTP plumbing. Whatever a handler fails with becomes problem+json here.

mod answer;
mod line;

use std::future::Future;

use lambda_http::{Request, RequestExt, http::header, request::RequestContext, service_fn};
use serde::de::DeserializeOwned;

pub use self::answer::Answer;
use self::line::Line;
use domain_primitives::{Problem, Violation};

use crate::Deadline;

/// The largest request body: 64 KiB.
pub const MAX_BODY: usize = 64 * 1024;

/// One HTTP request to a function.
#[derive(Debug)]
pub struct Call {
    request: Request,
    request_id: String,
    deadline: Deadline,
}

impl Call {
    /// The call that a request is.
    #[must_use]
    pub fn new(request: Request) -> Self {
        let context = request.lambda_context_ref().cloned().unwrap_or_default();
        Self { deadline: Deadline::of(&context), request_id: context.request_id, request }
    }

    /// When the answer is due.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// What joins everything that this request sets off, in logs: API Gateway's request id, which its client knows too.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        gateway_request_id(&self.request).unwrap_or(&self.request_id)
    }

    /// A path parameter, percent-decoded.
    #[must_use]
    pub fn path_parameter(&self, name: &str) -> Option<String> {
        self.request.path_parameters_ref().and_then(|parameters| parameters.first(name)).map(str::to_owned)
    }

    /// A query parameter, percent-decoded.
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        self.request.query_string_parameters_ref().and_then(|query| query.first(name)).map(str::to_owned)
    }

    /// A header as text.
    ///
    /// # Errors
    /// A 400 problem when it holds bytes beyond visible ASCII.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Problem> {
        let Some(value) = self.request.headers().get(name) else {
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
        let body: &[u8] = self.request.body();
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

fn gateway_request_id(request: &Request) -> Option<&str> {
    match request.request_context_ref()? {
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

/// A JSON Pointer (RFC 6901) to where reading stopped.
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

/// Answers HTTP requests with `handler` until Lambda ends the environment.
///
/// Each invocation writes one log line: method, route, status, duration and, for a problem, its type and cause.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn serve<'a, F, Fut, P>(handler: F) -> Result<(), lambda_http::Error>
where
    F: Fn(Call) -> Fut,
    Fut: Future<Output = Result<Answer, P>> + Send + 'a,
    P: Into<Problem>,
{
    let mut cold = true;
    lambda_http::run(service_fn(move |request: Request| {
        let line = Line::start(&request, std::mem::take(&mut cold));
        let call = Call::new(request);
        let request_id = call.request_id.clone();
        let correlation_id = call.correlation_id().to_owned();
        let answer = handler(call);
        async move {
            let answer = match answer.await {
                Ok(answer) => {
                    line.write(&request_id, &correlation_id, answer.status, None);
                    answer
                }
                Err(problem) => {
                    let problem = problem.into();
                    line.write(&request_id, &correlation_id, problem.status(), Some(&problem));
                    let body = problem.body(&request_id).to_string();
                    Answer { body: Some(body), ..Answer::from(problem) }
                }
            };
            answer.into_response()
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
        #[allow(dead_code, reason = "only its reading is tested")]
        items: Vec<std::num::NonZeroU32>,
    }

    fn read(content_type: &str, body: impl Into<Body>) -> Result<Lines, Problem> {
        let request =
            http::Request::builder().header("content-type", content_type).body(body.into()).unwrap();
        Call::new(request).json()
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
