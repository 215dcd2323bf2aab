//! AWS JSON: the protocol of DynamoDB and SQS.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::service::Service;

/// `PutItem` of `X-Amz-Upstream: DynamoDB_20120810.PutItem`.
pub(super) fn operation(headers: &HeaderMap) -> String {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

/// The error type, which AWS JSON puts into a header or into `__type` of the body.
pub(super) fn error_type(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let body = || serde_json::from_slice::<Value>(body).ok()?["__type"].as_str().map(str::to_owned);
    let name = header.map(str::to_owned).or_else(body)?;
    Some(plain_error(&name).to_owned())
}

/// The error type of `com.amazonaws.dynamodb.v20120810#Name:http://...`: `Name`.
pub(super) fn plain_error(name: &str) -> &str {
    let name = name.rsplit('#').next().unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}

/// An error of the proxy, in the form of the service's own errors.
pub(super) fn error_response(service: Service, status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    let body = json!({"__type": service.internal_error(), "message": message}).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(service.content_type()));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_plain_name() {
        let none = HeaderMap::new();
        let body = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}"#;
        assert_eq!(error_type(&none, body).unwrap(), "ConditionalCheckFailedException");
        let mut header = HeaderMap::new();
        header.insert("x-amzn-errortype", HeaderValue::from_static("QueueDoesNotExist:http://internal/"));
        assert_eq!(error_type(&header, b"").unwrap(), "QueueDoesNotExist");
        assert_eq!(error_type(&none, b"no json"), None);
    }

    #[test]
    fn an_operation_is_the_targets_last_part() {
        let mut headers = HeaderMap::new();
        assert_eq!(operation(&headers), "");
        headers.insert("x-amz-target", HeaderValue::from_static("AmazonSQS.SendMessage"));
        assert_eq!(operation(&headers), "SendMessage");
    }
}
