//! Quotas, throttling and timeouts:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::{Running, puppet},
    http_api::{EVERYTHING, api, assert_refused, command},
};

const MEGABYTE: usize = 1024 * 1024;

#[tokio::test]
async fn http_api_quotas_bodies_over_lambdas_or_the_apis_limit_are_too_large() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    for size in [6 * MEGABYTE, 10 * MEGABYTE + 1, 24 * MEGABYTE] {
        let answer = stack.http_bytes(Request::post("/"), "/", Bytes::from(vec![b'a'; size])).await;
        assert_refused(&answer, 413, "Request Entity Too Large");
    }
    assert!(stack.recorded().is_empty());
    // The limit applies to the event: 4.6 MB of bytes are too large as base64, and would fit as text.
    let body = Bytes::from(vec![b'a'; 4_800_000]);
    let binary = Request::post("/").header("content-type", "image/png");
    assert_refused(&stack.http_bytes(binary, "/", body).await, 413, "Request Entity Too Large");
    stack.stop().await;
}

/// Many clients send the whole request before they read anything.
#[tokio::test]
async fn http_api_quotas_a_client_that_sends_everything_first_still_reads_the_response() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    let address = stack.stack.addresses.http.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let size = 24 * MEGABYTE;
    let head =
        format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&vec![b'a'; size]).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    stack.stop().await;
}

#[tokio::test]
async fn http_api_quotas_long_request_lines_and_headers_are_rejected() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    let long = "a".repeat(10_240);
    assert_refused(&stack.http(Request::get("/"), &format!("/{long}"), "").await, 414, "URI Too Long");
    let answer = stack.http(Request::get("/").header("x-long", &long), "/", "").await;
    assert_refused(&answer, 431, "Request Header Fields Too Large");
    let answer = stack.http(Request::get("/").header("x-long", &long[..9_000]), "/", "").await;
    assert_eq!(answer.status, 200);
    stack.stop().await;
}

#[tokio::test]
async fn http_api_throttling_each_route_has_its_own_token_bucket() {
    let settings = "DefaultRouteSettings: {ThrottlingBurstLimit: 3, ThrottlingRateLimit: 0.001}, \
                    RouteSettings: {GET /slow: {ThrottlingBurstLimit: 1}, GET /closed: {ThrottlingBurstLimit: 0}}";
    let routes = [
        "Path: /slow, Method: GET",
        "Path: /closed, Method: GET",
        "Path: /usual, Method: GET",
        "Path: /usual, Method: POST",
        "Path: /own, Method: GET, RouteSettings: {ThrottlingBurstLimit: 2}",
    ];
    let stack = Running::start(&api(settings, &routes), &[]).await;
    for (method, path, passing) in [
        ("GET", "/slow", 1),
        ("GET", "/closed", 0),
        ("GET", "/usual", 3),
        ("POST", "/usual", 3),
        ("GET", "/own", 2),
    ] {
        for _ in 0..passing {
            let answer = stack.http(Request::builder().method(method), path, "").await;
            assert_eq!(answer.status, 200, "{method} {path}");
        }
        let refused = stack.http(Request::builder().method(method), path, "").await;
        assert_refused(&refused, 429, "Too Many Requests");
    }
    stack.stop().await;
}

#[tokio::test]
async fn http_api_develop_integrations_a_timeout_leaves_the_function_running() {
    let status = "AccessLogSettings: {Format: '$context.status'}";
    let stack = Running::start(&api(status, &["Path: /, Method: POST, TimeoutInMillis: 500"]), &[]).await;
    assert_eq!(command(&stack, "/", &json!({"answer": 1})).await.status, 200, "in time");
    let started = Instant::now();
    assert_refused(&command(&stack, "/", &json!({"sleep_ms": 2_000})).await, 503, "Service Unavailable");
    assert!(started.elapsed() >= Duration::from_millis(500), "{:?}", started.elapsed());
    let line =
        stack.eventually("the function ends", |stack| stack.lines_of("invocation").get(1).cloned()).await;
    assert_eq!((&line["result"], &line["start"]), (&json!("200"), &json!("warm")));
    assert!(started.elapsed() >= Duration::from_millis(2_000));
    let lines = stack.lines();
    let refused = lines.iter().position(|line| line["kind"] == "access" && line["line"] == 503);
    let ended = lines.iter().rposition(|line| line["kind"] == "invocation");
    assert!(refused.is_some() && refused < ended, "the function was still at it: {lines:#?}");
    stack.stop().await;
}

#[tokio::test]
async fn lambda_concurrency_a_throttled_function_is_unavailable() {
    let events = "      ReservedConcurrentExecutions: 0\n      Events:\n        All: {Type: HttpApi}";
    let stack = Running::start(&puppet(events, ""), &[]).await;
    assert_refused(&command(&stack, "/", &json!({})).await, 503, "Service Unavailable");
    stack.stop().await;
}
