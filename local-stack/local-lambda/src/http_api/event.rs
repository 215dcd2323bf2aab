//! Converts requests to events of payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::{
    context::{API_ID, Context, SOURCE_IP},
    response::connection_headers,
    url::query_parameters,
};

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

/// The members of both events. Members without a value are left out, as in API Gateway.
fn request(context: &Context, length: usize) -> Value {
    let query = context.parts.uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": context.route_key,
        // Decoded despite its name: only function URLs and REST APIs leave it as it was sent.
        "rawPath": context.path,
        "rawQueryString": query,
        "headers": headers(context, length),
        "requestContext": {
            "accountId": context.api.account.id,
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

/// The client's headers and those that API Gateway adds.
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

/// Headers by their lower-case names; several values of one name are joined by commas. Cookies are a separate member of
/// the event, and headers of the connection are dropped.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    let dropped = connection_headers(headers);
    let kept = |name: &header::HeaderName| *name != header::COOKIE && !dropped.contains(name.as_str());
    for (name, value) in headers.iter().filter(|(name, _)| kept(name)) {
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

/// Whether the body is text in the event. Anything else than `text/*`, JSON, XML and JavaScript is base64, also a form.
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
    fn http_api_develop_integrations_lambda_repeated_headers_are_joined() {
        let mut map = HeaderMap::new();
        map.append("X-Many", HeaderValue::from_static("a"));
        map.append("x-many", HeaderValue::from_static("b"));
        assert_eq!(joined(&map)["x-many"], "a,b");
    }
}
