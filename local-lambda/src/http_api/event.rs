//! From a request to an event of payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use uuid::Uuid;

use super::routes::Matched;

/// The percent-decoded path; none if that is not UTF-8.
pub(crate) fn decode(path: &str) -> Option<String> {
    percent_decode_str(path).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Whether a Host header is a name or an address with an optional port.
pub(crate) fn is_host(host: &HeaderValue) -> bool {
    let Ok(host) = host.to_str() else { return false };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let named = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            !name.is_empty()
                && name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.chars().all(letter)
        }
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// The event for a function.
pub(crate) fn event(
    parts: &Parts,
    path: &str,
    route: &Matched,
    body: &[u8],
    request_id: Uuid,
    account_id: &str,
) -> Value {
    let query = parts.uri.query().unwrap_or_default();
    let host = text(&parts.headers, header::HOST.as_str()).unwrap_or("127.0.0.1");
    let now = SystemTime::now();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": account_id,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": text(&parts.headers, header::USER_AGENT.as_str()).unwrap_or_default(),
            },
            "requestId": request_id,
            "routeKey": route.key,
            "stage": "$default",
            "time": access_log_time(now),
            "timeEpoch": u64::try_from(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX),
        },
        "isBase64Encoded": false,
    });
    let parameters = query_parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if !route.parameters.is_empty() {
        event["pathParameters"] = json!(route.parameters);
    }
    let cookies: Vec<&str> = parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split("; "))
        .collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !body.is_empty() {
        match std::str::from_utf8(body).ok().filter(|_| is_text(&parts.headers)) {
            Some(text) => event["body"] = json!(text),
            None => {
                event["body"] = json!(STANDARD.encode(body));
                event["isBase64Encoded"] = json!(true);
            }
        }
    }
    event
}

/// Lower-case names; several values of one name are joined by commas. Cookies have a place of their own.
fn headers(headers: &HeaderMap) -> BTreeMap<&str, String> {
    let mut joined: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| **name != header::COOKIE) {
        let value = value.to_str().unwrap_or_default();
        joined
            .entry(name.as_str())
            .and_modify(|values| {
                values.push(',');
                values.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    joined
}

/// Decoded; several values of one name are joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        joined
            .entry(decode(name))
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    joined
}

/// Whether the body goes into the event as text and not in base64.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type =
        text(headers, header::CONTENT_TYPE.as_str()).unwrap_or("text/plain").to_ascii_lowercase();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    media.starts_with("text/")
        || ["json", "xml", "javascript"].iter().any(|kind| media.ends_with(kind))
        || media == "application/x-www-form-urlencoded"
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `21/Nov/2026:08:15:30 +0000`
fn access_log_time(now: SystemTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = shared::Timestamp::at(now).to_string();
    let month = text[5..7].parse::<usize>().ok().and_then(|month| MONTHS.get(month - 1)).unwrap_or(&"");
    format!("{}/{month}/{}:{} +0000", &text[8..10], &text[0..4], &text[11..19])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_headers_and_parameters_are_joined() {
        let mut map = HeaderMap::new();
        map.append("X-Many", HeaderValue::from_static("a"));
        map.append("x-many", HeaderValue::from_static("b"));
        assert_eq!(headers(&map)["x-many"], "a,b");
        let parameters = query_parameters("a=1&b=x%20y+z&a=2&c");
        assert_eq!(
            (parameters["a"].as_str(), parameters["b"].as_str(), parameters["c"].as_str()),
            ("1,2", "x y z", "")
        );
    }

    #[test]
    fn hosts_that_are_none_are_found() {
        for good in ["localhost:3000", "127.0.0.1", "[::1]:3000", "shop.example.com"] {
            assert!(is_host(&HeaderValue::from_static(good)), "{good}");
        }
        for bad in ["", "a b", "a:99999", "a%zz", "[::1", ":80", "a/b", "user@host"] {
            assert!(!is_host(&HeaderValue::from_static(bad)), "{bad}");
        }
    }

    #[test]
    fn times_are_written_as_in_access_logs() {
        let time = UNIX_EPOCH + std::time::Duration::from_secs(1_795_248_930);
        assert_eq!(access_log_time(time), "21/Nov/2026:08:15:30 +0000");
    }
}
