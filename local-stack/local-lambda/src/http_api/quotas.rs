//! Limits on requests.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>

use http::request::Parts;

use super::gateway_error::GatewayError;

/// The largest body: 10 MB. Lambda's own limit for the event is lower.
pub(crate) const LARGEST_BODY: usize = 10 * 1024 * 1024;
/// "Total combined size of request line and header values", in bytes.
const LARGEST_HEAD: usize = 10_240;

pub(crate) fn check(parts: &Parts) -> Result<(), GatewayError> {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let line = parts.method.as_str().len() + target + "  HTTP/1.1".len();
    if line > LARGEST_HEAD {
        return Err(GatewayError::UriTooLong);
    }
    let values: usize = parts.headers.values().map(http::HeaderValue::len).sum();
    if line + values > LARGEST_HEAD { Err(GatewayError::HeadersTooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(path: usize, value: usize) -> Result<(), GatewayError> {
        let request = http::Request::get(format!("/{}", "p".repeat(path - 1)));
        check(&request.header("h", "v".repeat(value)).body(()).unwrap().into_parts().0)
    }

    #[test]
    fn http_api_quotas_bound_the_request_line_and_header_values() {
        let line = "GET  HTTP/1.1".len();
        assert_eq!(checked(100, LARGEST_HEAD - line - 100), Ok(()));
        assert_eq!(checked(100, LARGEST_HEAD - line - 99), Err(GatewayError::HeadersTooLarge));
        assert_eq!(checked(LARGEST_HEAD - line, 0), Ok(()));
        assert_eq!(checked(LARGEST_HEAD - line + 1, 0), Err(GatewayError::UriTooLong));
    }
}
