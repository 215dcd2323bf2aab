//! Errors of Lambda's API.

use http::HeaderValue;
use hyper::StatusCode;
use serde_json::json;

use crate::server::{self, HttpResponse};

/// An error that a caller gets instead of a result.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    text: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, kind: &'static str, text: &str) -> Self {
        Self { status, kind, text: text.to_owned() }
    }

    pub(super) fn not_found(text: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", text)
    }

    pub(super) fn invalid(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameterValueException", text)
    }

    pub(super) fn content(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContentException", text)
    }

    pub(super) fn too_large(text: &str) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", text)
    }

    /// `errorType` and `errorMessage` are those of a function's error: cargo-lambda reads every error as one.
    pub(super) fn response(&self) -> HttpResponse {
        let Self { status, kind, text } = self;
        let body = json!({"Type": "User", "Message": text, "message": text, "errorType": kind, "errorMessage": text});
        let mut response = server::json(*status, body.to_string());
        response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
        response
    }
}
