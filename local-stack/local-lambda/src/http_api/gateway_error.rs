//! API Gateway's own error responses.

use bytes::Bytes;
use http::StatusCode;

use crate::server::{self, HttpResponse};

/// Why API Gateway returns an error instead of a function's response.
///
/// Statuses and messages are those of an HTTP API. AWS does not document the messages of the two errors for requests that
/// are too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GatewayError {
    /// The request is not valid HTTP.
    BadRequest,
    /// An identity source of the authorizer is missing.
    Unauthorized,
    /// The authorizer denies the request.
    Forbidden,
    /// No route matches.
    NotFound,
    /// The body is over the API's limit, or the event over Lambda's.
    PayloadTooLarge,
    /// The request line alone is over the limit.
    UriTooLong,
    /// The request line and the headers together are over the limit.
    HeadersTooLarge,
    /// The route is throttled.
    TooManyRequests,
    /// The function or the authorizer failed, or its response is malformed.
    Internal,
    /// Lambda throttles the function, or it takes longer than the integration timeout.
    ServiceUnavailable,
}

impl GatewayError {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The `message` of the body.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::PayloadTooLarge => "Request Entity Too Large",
            other => other.status().canonical_reason().unwrap_or_default(),
        }
    }

    /// `{"message": "Not Found"}`
    pub(crate) fn response(self) -> HttpResponse {
        server::json(self.status(), Bytes::from(format!(r#"{{"message":"{}"}}"#, self.message())))
    }
}
