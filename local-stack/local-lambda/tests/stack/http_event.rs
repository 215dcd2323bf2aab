//! The event of payload format 2.0:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::{
    harness::Running,
    http_api::{EVERYTHING, api},
};

/// The output of `sam local generate-event apigateway http-api-proxy` of SAM CLI 1.170.0: the example of AWS's page with
/// another body.
const RECORDED: &str = include_str!("../fixtures/http-api-proxy.json");

/// Members of `requestContext` whose value the request does not determine: only their types are compared.
const OF_THE_API: [&str; 8] =
    ["accountId", "apiId", "domainName", "domainPrefix", "http", "requestId", "time", "timeEpoch"];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn names(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

#[tokio::test]
async fn http_api_develop_integrations_lambda_the_event_is_that_of_sam_and_of_aws() {
    let stack = Running::start(
        &api("StageVariables: {stageVariable1: value1, stageVariable2: value2}", &[EVERYTHING]),
        &[],
    )
    .await;
    let mut expected: Value = serde_json::from_str(RECORDED).unwrap();
    let request = Request::post("/")
        .header("Header1", "value1")
        .header("Header2", "value1")
        .header("Header2", "value2")
        .header("Cookie", "cookie1; cookie2")
        .header("User-Agent", "agent")
        .header("Content-Type", "application/octet-stream");
    let path = "/path/to/resource?parameter1=value1&parameter1=value2&parameter2=value";
    let event = stack.http(request, path, r#"{"test":"body"}"#).await.json();

    // A $default route has no path parameters, and there is neither mutual TLS nor a JWT authorizer.
    expected.as_object_mut().unwrap().remove("pathParameters");
    let context = expected["requestContext"].as_object_mut().unwrap();
    context.remove("authentication");
    context.remove("authorizer");

    assert_eq!(names(&event), names(&expected));
    assert_eq!(names(&event["requestContext"]), names(&expected["requestContext"]));
    assert_eq!(names(&event["requestContext"]["http"]), names(&expected["requestContext"]["http"]));
    for member in OF_THE_API {
        let (ours, theirs) = (&event["requestContext"][member], &expected["requestContext"][member]);
        assert_eq!(kind(ours), kind(theirs), "{member}");
    }
    for member in ["method", "path", "protocol", "userAgent"] {
        let (ours, theirs) =
            (&event["requestContext"]["http"][member], &expected["requestContext"]["http"][member]);
        assert_eq!(ours, theirs, "{member}");
    }
    for member in ["routeKey", "stage"] {
        assert_eq!(event["requestContext"][member], expected["requestContext"][member], "{member}");
    }
    // "All header names are lowercased", which the example itself does not show.
    for (name, value) in expected["headers"].as_object().unwrap() {
        assert_eq!(event["headers"][name.to_lowercase()], *value, "{name}");
    }
    for member in names(&expected) {
        if !["headers", "requestContext"].contains(&member.as_str()) {
            assert_eq!(event[member], expected[member], "{member}");
        }
    }
    stack.stop().await;
}

/// An event that AWS sent for `curl https://...`. It is in the crate `aws_lambda_events` as
/// `example-apigw-v2-request-no-authorizer.json`.
#[tokio::test]
async fn http_api_develop_integrations_lambda_members_without_a_value_are_left_out() {
    let stack = Running::start(&api("", &["Path: /, Method: GET"]), &[]).await;
    let request = Request::get("/").header("Accept", "*/*").header("User-Agent", "curl/7.58.0");
    let event = stack.http(request, "/", "").await.json();
    let top =
        ["headers", "isBase64Encoded", "rawPath", "rawQueryString", "requestContext", "routeKey", "version"];
    assert_eq!(names(&event), top);
    assert_eq!(event["rawQueryString"], "");
    assert_eq!(event["isBase64Encoded"], false);
    let headers = [
        "accept",
        "content-length",
        "host",
        "user-agent",
        "x-amzn-trace-id",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
    ];
    assert_eq!(names(&event["headers"]), headers);
    assert_eq!(event["headers"]["content-length"], "0");
    let port = stack.stack.addresses.http.rsplit_once(':').unwrap().1;
    assert_eq!(event["headers"]["x-forwarded-port"], port);
    let trace = event["headers"]["x-amzn-trace-id"].as_str().unwrap();
    let parts: Vec<_> = trace.strip_prefix("Root=").unwrap().split('-').map(str::len).collect();
    assert_eq!(parts, [1, 8, 24], "{trace}");
    stack.stop().await;
}

#[tokio::test]
async fn http_api_develop_integrations_lambda_paths_queries_and_headers_come_as_they_were_sent_or_decoded() {
    let stack = Running::start(&api("", &["Path: '/things/{id}/{rest+}', Method: POST"]), &[]).await;
    let request = Request::post("/")
        .header("x-forwarded-for", "203.0.113.9")
        .header("te", "trailers")
        .header("cookie", "a=1;b=2; c=\"3\"")
        .header("cookie", "d=4");
    let event = stack.http(request, "/things/a%20b/c/%C3%A9?x=1%2C2&y=&x=%20z&flag", "").await.json();
    assert_eq!(event["rawPath"], "/things/a b/c/é");
    assert_eq!(event["requestContext"]["http"]["path"], event["rawPath"]);
    assert_eq!(event["rawQueryString"], "x=1%2C2&y=&x=%20z&flag");
    assert_eq!(event["queryStringParameters"], json!({"x": "1,2, z", "y": "", "flag": ""}));
    assert_eq!(event["pathParameters"], json!({"id": "a b", "rest": "c/é"}));
    assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=\"3\"", "d=4"]));
    assert_eq!(event["headers"]["x-forwarded-for"], "203.0.113.9, 127.0.0.1");
    for absent in ["cookie", "te", "connection"] {
        assert!(event["headers"].get(absent).is_none(), "{absent}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn http_api_develop_integrations_lambda_bodies_are_text_or_base64_by_their_type() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    let binary = Bytes::from_static(&[0, 159, 146, 150]);
    for (content_type, body, text) in [
        ("application/json", Bytes::from("1"), true),
        ("application/problem+json; charset=utf-8", Bytes::from("{}"), true),
        ("text/csv", Bytes::from("a,b"), true),
        ("application/xml", Bytes::from("<a/>"), true),
        ("application/x-www-form-urlencoded", Bytes::from("a=b"), false),
        ("application/octet-stream", Bytes::from("abc"), false),
        ("image/png", binary.clone(), false),
        ("text/plain", binary, false),
    ] {
        let request = Request::post("/").header("content-type", content_type);
        let event = stack.http_bytes(request, "/", body.clone()).await.json();
        let expected = if text { String::from_utf8(body.to_vec()).unwrap() } else { STANDARD.encode(&body) };
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!(expected), &json!(!text)),
            "{content_type}"
        );
        assert_eq!(event["headers"]["content-length"], body.len().to_string());
    }
    stack.stop().await;
}
