//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use http::{Request, request::Builder};
use serde_json::json;

use crate::{
    harness::{Response, Running},
    http_api::{EVERYTHING, api, assert_refused},
};

const CORS: &str = "CorsConfiguration: {AllowOrigins: ['https://a.example', 'http://*'], AllowMethods: [GET, PUT], \
                    AllowHeaders: [x-one, x-two], ExposeHeaders: [etag], MaxAge: 600, AllowCredentials: true}";

fn preflight(origin: &str) -> Builder {
    Request::options("/").header("origin", origin).header("access-control-request-method", "PUT")
}

fn cors_headers(answer: &Response) -> Vec<(String, String)> {
    let headers =
        answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut headers: Vec<_> = headers.filter(|(name, _)| name.starts_with("access-control-")).collect();
    headers.sort();
    headers
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (format!("access-control-{name}"), (*value).to_owned())).collect()
}

const FOR_PREFLIGHTS: [(&str, &str); 6] = [
    ("allow-credentials", "true"),
    ("allow-headers", "x-one,x-two"),
    ("allow-methods", "GET,PUT"),
    ("allow-origin", "https://a.example"),
    ("expose-headers", "etag"),
    ("max-age", "600"),
];
const FOR_ANSWERS: [(&str, &str); 3] =
    [("allow-credentials", "true"), ("allow-origin", "https://a.example"), ("expose-headers", "etag")];

#[tokio::test]
async fn http_api_cors_preflights_need_no_route() {
    let stack = Running::start(&api(CORS, &["Path: /things, Method: PUT"]), &[]).await;
    for path in ["/things", "/nothing"] {
        let answer = stack.http(preflight("https://a.example"), path, "").await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert_eq!(cors_headers(&answer), expected(&FOR_PREFLIGHTS), "{path}");
    }
    let foreign = stack.http(preflight("https://b.example"), "/things", "").await;
    assert_eq!((foreign.status, cors_headers(&foreign)), (204, vec![]));
    let any = stack.http(preflight("http://b.example"), "/things", "").await;
    assert_eq!(any.header("access-control-allow-origin"), "http://b.example");
    let plain = stack.http(Request::options("/").header("origin", "https://a.example"), "/things", "").await;
    assert_refused(&plain, 404, "Not Found");
    assert!(stack.recorded().is_empty(), "no function is asked");
    stack.stop().await;
}

#[tokio::test]
async fn http_api_cors_a_route_for_options_or_default_takes_preflights() {
    for route in ["Path: /things, Method: OPTIONS", "Path: /things, Method: ANY", EVERYTHING] {
        let stack = Running::start(&api(CORS, &[route]), &[]).await;
        let answer = stack.http(preflight("https://a.example"), "/things", "").await;
        assert_eq!((answer.status, stack.recorded().len()), (200, 1), "{route}");
        assert_eq!(cors_headers(&answer), expected(&FOR_PREFLIGHTS), "{route}");
        stack.stop().await;
    }
}

/// The page's advice for a `$default` route with an authorizer.
#[tokio::test]
async fn http_api_cors_a_default_route_with_an_authorizer_needs_an_options_route_without() {
    let auth = "Auth: {DefaultAuthorizer: G, Authorizers: {G: {FunctionArn: !GetAtt Guard.Arn, \
                AuthorizerPayloadFormatVersion: 2.0, EnableSimpleResponses: true, Identity: {Headers: [authorization]}}}}";
    let open = "Path: '/{proxy+}', Method: OPTIONS, Auth: {Authorizer: NONE}";
    for (routes, status) in [(vec![EVERYTHING], 401), (vec![EVERYTHING, open], 200)] {
        let stack = Running::start(&api(&format!("{CORS}, {auth}"), &routes), &[]).await;
        let answer = stack.http(preflight("https://a.example"), "/things", "").await;
        assert_eq!(answer.status, status, "{routes:?}");
        stack.stop().await;
    }
}

#[tokio::test]
async fn http_api_cors_headers_of_a_function_are_ignored() {
    let stack = Running::start(&api(CORS, &[EVERYTHING]), &[]).await;
    let answered = json!({"answer": {"statusCode": 200, "headers": {
        "Access-Control-Allow-Origin": "*", "access-control-allow-methods": "DELETE", "vary": "accept",
    }}});
    let from = |origin: Option<&str>| match origin {
        Some(origin) => Request::post("/").header("origin", origin),
        None => Request::post("/"),
    };
    for (origin, allowed) in [
        (Some("https://a.example"), expected(&FOR_ANSWERS)),
        (Some("https://b.example"), vec![]),
        (None, vec![]),
    ] {
        let answer = stack.http(from(origin), "/", &answered.to_string()).await;
        assert_eq!((cors_headers(&answer), answer.header("vary")), (allowed, "accept"), "{origin:?}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn http_api_cors_without_a_configuration_the_functions_headers_are_kept() {
    let stack = Running::start(&api("", &["Path: /, Method: POST"]), &[]).await;
    let answered = json!({"answer": {"statusCode": 200, "headers": {"access-control-allow-origin": "x"}}});
    let answer = stack
        .http(Request::post("/").header("origin", "https://a.example"), "/", &answered.to_string())
        .await;
    assert_eq!(cors_headers(&answer), expected(&[("allow-origin", "x")]));
    assert_refused(&stack.http(preflight("https://a.example"), "/", "").await, 404, "Not Found");
    stack.stop().await;
}
