//! Problem details for HTTP APIs (RFC 9457): the format of every error response.

use serde::Serialize;
use serde_json::{Map, Value};

/// An error in the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Where: a JSON Pointer (RFC 6901) into the body (`/items/0/quantity`), or the name of a header or query parameter.
    pub pointer: String,
    /// The rule that the input breaks: "must be ...".
    pub detail: String,
}

impl Violation {
    /// The input at `pointer` breaks the rule `detail`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// An error response, and its cause for the log.
///
/// The response never contains the cause.
#[derive(Clone, Debug)]
pub struct Problem {
    slug: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    errors: Vec<Violation>,
    extensions: Map<String, Value>,
    headers: Vec<(&'static str, &'static str)>,
    retry_after: Option<u32>,
    cause: Option<String>,
}

/// The seconds that a client should wait before it retries.
const RETRY_AFTER: u32 = 1;

impl Problem {
    /// A problem of the type `urn:farthing:problem:{slug}`.
    pub fn new(status: u16, slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            slug,
            title,
            status,
            detail: detail.into(),
            errors: Vec::new(),
            extensions: Map::new(),
            headers: Vec::new(),
            retry_after: None,
            cause: None,
        }
    }

    /// 400: the input breaks the rules in `errors`.
    #[must_use]
    pub fn invalid(errors: Vec<Violation>) -> Self {
        let detail = match errors.as_slice() {
            [only] if only.pointer.is_empty() => only.detail.clone(),
            [only] => format!("{} {}", only.pointer, only.detail),
            several => format!("{} things are wrong with the request", several.len()),
        };
        Self { errors, ..Self::new(400, "invalid-request", "The request is invalid", detail) }
    }

    /// 503 with Retry-After: a dependency of the shop is unavailable.
    pub fn unavailable(cause: impl Into<String>) -> Self {
        let detail = "The shop cannot do this right now. Try again: with the same Idempotency-Key, no order is made twice.";
        Self {
            retry_after: Some(RETRY_AFTER),
            cause: Some(cause.into()),
            ..Self::new(503, "service-unavailable", "The shop is unavailable", detail)
        }
    }

    /// 500: a fault of ours.
    pub fn internal(cause: impl Into<String>) -> Self {
        let detail = "The fault is ours. It has been logged.";
        Self { cause: Some(cause.into()), ..Self::new(500, "internal-error", "Something went wrong", detail) }
    }

    /// Adds an extension member to the response.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.extensions.insert(name.to_owned(), value);
        self
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Headers of the response, besides those that every problem has.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, &'static str)] {
        &self.headers
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The last part of the problem type.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        self.slug
    }

    /// The seconds of the Retry-After header, if a retry may succeed.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// The internal cause, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The body: `application/problem+json`.
    #[must_use]
    pub fn body(&self, request_id: &str) -> Value {
        let mut body = Map::new();
        body.insert("type".to_owned(), format!("urn:farthing:problem:{}", self.slug).into());
        body.insert("title".to_owned(), self.title.into());
        body.insert("status".to_owned(), self.status.into());
        body.insert("detail".to_owned(), self.detail.as_str().into());
        body.insert("instance".to_owned(), request_id.into());
        if !self.errors.is_empty() {
            let errors =
                self.errors.iter().map(|e| serde_json::json!({"pointer": e.pointer, "detail": e.detail}));
            body.insert("errors".to_owned(), errors.collect());
        }
        body.extend(self.extensions.clone());
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_never_holds_its_cause() {
        let problem = Problem::internal("secret table name");
        let body = problem.body("request-1").to_string();
        assert!(!body.contains("secret"), "{body}");
        assert_eq!(problem.cause(), Some("secret table name"));
    }

    #[test]
    fn an_invalid_request_names_each_violation() {
        let errors = vec![Violation::new("/items/0/quantity", "must be a whole number from 1 to 999")];
        assert_eq!(
            Problem::invalid(errors).body("request-1"),
            serde_json::json!({
                "type": "urn:farthing:problem:invalid-request",
                "title": "The request is invalid",
                "status": 400,
                "detail": "/items/0/quantity must be a whole number from 1 to 999",
                "instance": "request-1",
                "errors": [{"pointer": "/items/0/quantity", "detail": "must be a whole number from 1 to 999"}],
            })
        );
    }
}
