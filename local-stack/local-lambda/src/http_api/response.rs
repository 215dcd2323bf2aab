//! Converts a function's response, payload format 2.0, to an HTTP response.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::Value;

use crate::server::{self, HttpResponse};

/// The HTTP response; none when the payload is malformed, for which API Gateway returns its own error 500.
///
/// Without a `statusCode` the whole payload is the body, with status 200. `multiValueHeaders` belong to format 1.0 only.
pub(crate) fn from_payload(payload: &[u8]) -> Option<HttpResponse> {
    let payload: Value = serde_json::from_slice(payload).ok()?;
    let Some(status) = payload.get("statusCode") else {
        let body = payload.as_str().map_or_else(|| payload.to_string(), str::to_owned);
        return Some(server::json(StatusCode::OK, body));
    };
    // API Gateway also accepts a number in a string.
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))?;
    let body = match payload.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if payload["isBase64Encoded"] == true => STANDARD.decode(text).ok()?.into(),
        Some(Value::String(text)) => text.clone().into(),
        Some(other) => other.to_string().into(),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in payload["headers"].as_object().into_iter().flatten() {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, header_value(value)?);
    }
    for cookie in payload["cookies"].as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, header_value(cookie)?);
    }
    drop_connection_headers(headers);
    if !headers.contains_key(header::CONTENT_TYPE)
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED
    {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    Some(response)
}

/// The headers that concern one connection only: those that HTTP defines, and those that `Connection` names.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>
pub(crate) fn connection_headers(headers: &HeaderMap) -> BTreeSet<&str> {
    const DEFINED: [&str; 7] =
        ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<_> = named.flat_map(|names| names.split(',')).map(str::trim).collect();
    let concerned =
        |name: &&str| DEFINED.contains(name) || named.iter().any(|named| named.eq_ignore_ascii_case(name));
    headers.keys().map(HeaderName::as_str).filter(concerned).collect()
}

fn drop_connection_headers(headers: &mut HeaderMap) {
    let dropped: Vec<_> = connection_headers(headers).into_iter().map(str::to_owned).collect();
    for name in dropped {
        headers.remove(name);
    }
    // The server counts the bytes itself.
    headers.remove(header::CONTENT_LENGTH);
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn read(json: &str) -> Option<(u16, String, String)> {
        let (parts, body) = from_payload(json.as_bytes())?.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let content_type = parts.headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        Some((parts.status.as_u16(), content_type, String::from_utf8(body.to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn structured_answers_are_responses() {
        let json =
            r#"{"statusCode":201,"headers":{"content-type":"a/b"},"body":"aGk=","isBase64Encoded":true}"#;
        assert_eq!(read(json).await, Some((201, "a/b".to_owned(), "hi".to_owned())));
    }

    #[tokio::test]
    async fn anything_else_is_a_json_body() {
        let expected = (200, "application/json".to_owned(), r#"{"a":1}"#.to_owned());
        assert_eq!(read(r#"{"a":1}"#).await, Some(expected));
    }

    #[tokio::test]
    async fn malformed_answers_are_none() {
        for json in [
            "not json",
            r#"{"statusCode":"x"}"#,
            r#"{"statusCode":99}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
        ] {
            assert!(from_payload(json.as_bytes()).is_none(), "{json}");
        }
    }

    #[test]
    fn cookies_are_headers_of_their_own() {
        let response = from_payload(br#"{"statusCode":200,"cookies":["a=1","b=2"]}"#).unwrap();
        assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 2);
    }
}
