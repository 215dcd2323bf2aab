//! API Gateway's own answers.

use bytes::Bytes;
use http::StatusCode;

use crate::server::{self, HttpResponse};

/// Why a request does not reach its function, or the function's answer not the client.
///
/// Statuses and texts are those of an HTTP API; of the two for too long requests no page of AWS tells the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GatewayError {
    /// The request is not HTTP as it should be.
    BadRequest,
    /// The authorizer's identity sources are not all there.
    Unauthorized,
    /// The authorizer says no.
    Forbidden,
    /// No route matches.
    NotFound,
    /// The body is over the API's limit, or the event over Lambda's.
    PayloadTooLarge,
    /// The request line alone is over the limit.
    UriTooLong,
    /// The request line and the headers together are over the limit.
    HeadersTooLarge,
    /// The route's throttle.
    TooManyRequests,
    /// The function or the authorizer failed, or answered what is no response.
    Internal,
    /// Lambda throttles, or the function takes longer than the integration may.
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
    pub(crate) fn answer(self) -> HttpResponse {
        server::json(self.status(), Bytes::from(format!(r#"{{"message":"{}"}}"#, self.message())))
    }
}
