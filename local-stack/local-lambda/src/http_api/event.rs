//! From a request to an event of payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    context::{API_ID, Context, SOURCE_IP},
    response::is_hop_by_hop,
};

/// The percent-decoded path; none if that is not UTF-8.
pub(crate) fn decode(path: &str) -> Option<String> {
    percent_decode_str(path).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The event for the function of a route.
pub(crate) fn integration(context: &Context, body: &[u8]) -> Value {
    let mut event = request(context, body.len());
    event["isBase64Encoded"] = json!(false);
    if !body.is_empty() {
        match std::str::from_utf8(body).ok().filter(|_| is_text(context)) {
            Some(text) => event["body"] = json!(text),
            None => {
                event["body"] = json!(STANDARD.encode(body));
                event["isBase64Encoded"] = json!(true);
            }
        }
    }
    if let Some(authorized) = &context.authorized {
        event["requestContext"]["authorizer"] = json!({"lambda": authorized.context});
    }
    event
}

/// The event for an authorizer.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>
pub(crate) fn authorizer(context: &Context, route_arn: &str, identity: &[String]) -> Value {
    let mut event = request(context, context.request_length);
    event["type"] = json!("REQUEST");
    event["routeArn"] = json!(route_arn);
    if !identity.is_empty() {
        event["identitySource"] = json!(identity);
    }
    event
}

/// What both have. Members without a value are left out, as API Gateway leaves them out.
fn request(context: &Context, length: usize) -> Value {
    let query = context.parts.uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": context.route_key,
        // Decoded, whatever its name says: only function URLs and REST APIs leave it as it was sent.
        "rawPath": context.path,
        "rawQueryString": query,
        "headers": headers(context, length),
        "requestContext": {
            "accountId": context.api.account_id,
            "apiId": API_ID,
            "domainName": context.host(),
            "domainPrefix": API_ID,
            "http": {
                "method": context.parts.method.as_str(),
                "path": context.path,
                "protocol": "HTTP/1.1",
                "sourceIp": SOURCE_IP,
                "userAgent": context.user_agent(),
            },
            "requestId": context.request_id,
            "routeKey": context.route_key,
            "stage": context.api.stage,
            "time": context.time(),
            "timeEpoch": context.epoch_ms(),
        },
    });
    let parameters = query_parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if !context.path_parameters.is_empty() {
        event["pathParameters"] = json!(context.path_parameters);
    }
    if !context.api.stage_variables.is_empty() {
        event["stageVariables"] = json!(context.api.stage_variables);
    }
    let cookies = cookies(&context.parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    event
}

/// Those of the client, and those that API Gateway adds.
fn headers(context: &Context, length: usize) -> BTreeMap<String, String> {
    let mut headers = joined(&context.parts.headers);
    headers.insert("content-length".to_owned(), length.to_string());
    let port = context.host().rsplit_once(':').map_or("80", |(_, port)| port);
    headers.insert("x-forwarded-port".to_owned(), port.to_owned());
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    let forwarded = match headers.get("x-forwarded-for") {
        Some(clients) => format!("{clients}, {SOURCE_IP}"),
        None => SOURCE_IP.to_owned(),
    };
    headers.insert("x-forwarded-for".to_owned(), forwarded);
    let id = context.request_id.simple().to_string();
    headers
        .entry("x-amzn-trace-id".to_owned())
        .or_insert_with(|| format!("Root=1-{:08x}-{}", context.epoch_ms() / 1000, &id[..24]));
    headers
}

/// Lower-case names; several values of one name are joined by commas. Cookies have a place of their own, and what
/// concerns the connection ends with it.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| **name != header::COOKIE && !is_hop_by_hop(name)) {
        let value = value.to_str().unwrap_or_default();
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    joined
}

fn cookies(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).map(str::trim).filter(|cookie| !cookie.is_empty()).collect()
}

/// Decoded; several values of one name are joined by commas.
pub(crate) fn query_parameters(query: &str) -> BTreeMap<String, String> {
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

/// Whether the body goes into the event as text and not in base64. A form does not: what is no text/* and neither JSON,
/// XML nor JavaScript is binary to an HTTP API.
fn is_text(context: &Context) -> bool {
    let content_type =
        context.header(header::CONTENT_TYPE.as_str()).unwrap_or("text/plain").to_ascii_lowercase();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    media.starts_with("text/") || ["json", "xml", "javascript"].iter().any(|kind| media.ends_with(kind))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn http_api_develop_integrations_lambda_repeated_headers_and_parameters_are_joined() {
        let mut map = HeaderMap::new();
        map.append("X-Many", HeaderValue::from_static("a"));
        map.append("x-many", HeaderValue::from_static("b"));
        assert_eq!(joined(&map)["x-many"], "a,b");
        let parameters = query_parameters("a=1&b=x%20y+z&a=2&c");
        assert_eq!(
            (parameters["a"].as_str(), parameters["b"].as_str(), parameters["c"].as_str()),
            ("1,2", "x y z", "")
        );
    }
}
