//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::time::{Duration, Instant};

use http::{Request, request::Builder};
use serde_json::{Value, json};

use crate::{
    harness::{Response, Running},
    http_api::{api, assert_refused},
};

/// An API whose default authorizer has these additional properties.
fn guarded(properties: &str, routes: &[&str]) -> String {
    let authorizer =
        format!("FunctionArn: !GetAtt Guard.Arn, AuthorizerPayloadFormatVersion: 2.0, {properties}");
    let log = "AccessLogSettings: {Format: '$context.status $context.authorizer.error $context.authorizer.user $context.authorizer.principalId'}";
    api(
        &format!("{log}, Auth: {{DefaultAuthorizer: Tokens, Authorizers: {{Tokens: {{{authorizer}}}}}}}"),
        routes,
    )
}

const SIMPLE: &str = "EnableSimpleResponses: true, Identity: {Headers: [Authorization]}";
const ONE: &str = "Path: /one, Method: GET";
const TWO: &str = "Path: '/two/{id}', Method: GET";

/// A request with a command for the authorizer.
fn request_with(command: &Value) -> Builder {
    Request::get("/").header("authorization", command.to_string())
}

async fn get(stack: &Running, path: &str, command: &Value) -> Response {
    stack.http(request_with(command), path, "").await
}

/// The events that the authorizer has received.
fn authorizer_events(stack: &Running) -> Vec<Value> {
    let events = stack.recorded().into_iter().map(|mut seen| seen["event"].take());
    events.filter(|event| event["type"] == "REQUEST").collect()
}

fn answers(allowed: bool, context: &Value) -> Value {
    json!({"answer": {"isAuthorized": allowed, "context": context}})
}

#[tokio::test]
async fn http_api_lambda_authorizer_simple_responses_allow_and_deny() {
    let stack = Running::start(&guarded(SIMPLE, &[ONE, TWO]), &[]).await;
    let context =
        json!({"user": "ada", "numberKey": 1, "booleanKey": true, "arrayKey": ["a"], "mapKey": {"b": "c"}});
    let allowed = get(&stack, "/two/7?a=b", &answers(true, &context)).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.json()["requestContext"]["authorizer"], json!({"lambda": context}));
    assert_refused(&get(&stack, "/one", &answers(false, &context)).await, 403, "Forbidden");
    assert_eq!(stack.recorded().len(), 3, "the function of a denied request is not invoked");
    let bare = get(&stack, "/one", &json!({"answer": {"isAuthorized": true}})).await.json();
    assert_eq!(bare["requestContext"]["authorizer"], json!({"lambda": null}));
    let lines: Vec<_> = stack.lines_of("access").iter().map(|line| line["line"].clone()).collect();
    assert_eq!(lines[..2], ["200 - ada -", "403 - ada -"]);
    stack.stop().await;
}

/// Members and values as in the page's example.
#[tokio::test]
async fn http_api_lambda_authorizer_the_event_has_the_request_and_its_identity() {
    let identity = "EnableSimpleResponses: true, Identity: {Headers: [X-User], QueryStrings: [key], Context: [routeKey]}";
    let stack = Running::start(&guarded(identity, &[TWO]), &["--region", "eu-west-1"]).await;
    let request =
        Request::get("/").header("x-user", "user1").header("cookie", "c=1").header("user-agent", "agent");
    assert_eq!(stack.http(request, "/two/a%20b?key=123&b=1", "").await.status, 200);
    let event = &authorizer_events(&stack)[0];
    let mut members: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let expected = [
        "cookies",
        "headers",
        "identitySource",
        "pathParameters",
        "queryStringParameters",
        "rawPath",
        "rawQueryString",
        "requestContext",
        "routeArn",
        "routeKey",
        "type",
        "version",
    ];
    assert_eq!(members, expected, "no body, and no stage variables");
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["identitySource"], json!(["user1", "123", "GET /two/{id}"]));
    assert_eq!(event["routeArn"], "arn:aws:execute-api:eu-west-1:000000000000:local/$default/GET/two/a b");
    assert_eq!((&event["routeKey"], &event["rawPath"]), (&json!("GET /two/{id}"), &json!("/two/a b")));
    assert_eq!((&event["pathParameters"], &event["cookies"]), (&json!({"id": "a b"}), &json!(["c=1"])));
    assert_eq!(event["queryStringParameters"], json!({"key": "123", "b": "1"}));
    assert_eq!(event["requestContext"]["http"]["userAgent"], "agent");
    stack.stop().await;
}

#[tokio::test]
async fn http_api_lambda_authorizer_a_missing_identity_source_is_401_without_asking() {
    let identity = "EnableSimpleResponses: true, Identity: {Headers: [Authorization], QueryStrings: [key]}";
    let stack = Running::start(&guarded(identity, &[ONE]), &[]).await;
    for (request, path) in [
        (Request::get("/"), "/one?key=1"),
        (request_with(&json!({})), "/one"),
        (request_with(&json!({})), "/one?key="),
        (request_with(&json!({})), "/one?KEY=1"),
    ] {
        assert_refused(&stack.http(request, path, "").await, 401, "Unauthorized");
    }
    assert!(stack.recorded().is_empty());
    assert_eq!(stack.http(request_with(&json!({})), "/one?key=1", "").await.status, 200);
    stack.stop().await;
}

#[tokio::test]
async fn http_api_lambda_authorizer_one_that_fails_or_answers_nonsense_is_500() {
    let stack = Running::start(&guarded(SIMPLE, &[ONE]), &[]).await;
    for command in [
        json!({"error": "broken"}),
        json!({"exit": 1}),
        json!({"answer": {"isAuthorized": "true"}}),
        json!({"answer": {}}),
        json!({"answer": "yes"}),
    ] {
        for _ in 0..2 {
            assert_refused(&get(&stack, "/one", &command).await, 500, "Internal Server Error");
        }
    }
    assert_eq!(authorizer_events(&stack).len(), 10, "what is no answer is not kept");
    assert_eq!(stack.recorded().len(), 10, "and no function is invoked");
    assert_eq!(stack.lines_of("access")[0]["line"], "500 broken - -");
    stack.stop().await;
}

#[tokio::test]
async fn http_api_lambda_authorizer_answers_are_cached_for_all_routes() {
    let stack = Running::start(&guarded(SIMPLE, &[ONE, TWO]), &[]).await;
    let (ada, bob) = (answers(true, &json!({"user": "ada"})), answers(false, &json!({"user": "bob"})));
    for path in ["/one", "/two/1", "/one"] {
        let answer = get(&stack, path, &ada).await;
        assert_eq!(answer.json()["requestContext"]["authorizer"]["lambda"]["user"], "ada");
        assert_eq!(get(&stack, path, &bob).await.status, 403);
    }
    assert_eq!(authorizer_events(&stack).len(), 2, "once for each identity, allowed or denied");
    stack.stop().await;
}

#[tokio::test]
async fn http_api_lambda_authorizer_answers_are_cached_per_route_with_the_route_key() {
    let identity = "EnableSimpleResponses: true, Identity: {Headers: [Authorization], Context: [routeKey]}";
    let stack = Running::start(&guarded(identity, &[ONE, TWO]), &[]).await;
    for path in ["/one", "/two/1", "/one", "/two/2"] {
        assert_eq!(get(&stack, path, &json!({})).await.status, 200);
    }
    assert_eq!(authorizer_events(&stack).len(), 2);
    stack.stop().await;
}

#[tokio::test]
async fn http_api_lambda_authorizer_answers_expire_and_zero_keeps_none() {
    let every = |seconds: u32| {
        format!(
            "EnableSimpleResponses: true, Identity: {{Headers: [Authorization], ReauthorizeEvery: {seconds}}}"
        )
    };
    let stack = Running::start(&guarded(&every(1), &[ONE]), &[]).await;
    let started = Instant::now();
    while authorizer_events(&stack).len() < 2 {
        assert_eq!(get(&stack, "/one", &json!({})).await.status, 200);
        assert!(started.elapsed() < Duration::from_secs(10), "asked again after a second");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    stack.stop().await;
    let stack = Running::start(&guarded(&every(0), &[ONE]), &[]).await;
    for _ in 0..3 {
        assert_eq!(get(&stack, "/one", &json!({})).await.status, 200);
    }
    assert_eq!(authorizer_events(&stack).len(), 3);
    stack.stop().await;
}

#[tokio::test]
async fn http_api_lambda_authorizer_a_policy_allows_route_by_route() {
    let stack = Running::start(&guarded("Identity: {Headers: [Authorization]}", &[ONE, TWO]), &[]).await;
    let command = json!({"answer": {
        "principalId": "ada",
        "policyDocument": {"Version": "2012-10-17", "Statement": [
            {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "arn:aws:execute-api:*:*:*/*/GET/two/*"},
            {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": ["arn:aws:execute-api:*/GET/two/secret"]},
        ]},
        "context": {"user": "Ada"},
    }});
    let allowed = get(&stack, "/two/1", &command).await;
    assert_eq!(allowed.json()["requestContext"]["authorizer"], json!({"lambda": {"user": "Ada"}}));
    for denied in ["/two/secret", "/one"] {
        assert_refused(&get(&stack, denied, &command).await, 403, "Forbidden");
    }
    assert_eq!(authorizer_events(&stack).len(), 1, "the policy is cached, not the decision");
    assert_eq!(stack.lines_of("access")[0]["line"], "200 - Ada ada");
    stack.stop().await;
}

#[tokio::test]
async fn sam_property_function_httpapi_none_and_a_name_override_the_default_authorizer() {
    let authorizers = "Auth: {Authorizers: {Tokens: {FunctionArn: !GetAtt Guard.Arn, AuthorizerPayloadFormatVersion: 2.0, \
                       EnableSimpleResponses: true, Identity: {Headers: [Authorization]}}}}";
    let named = "Path: /named, Method: GET, Auth: {Authorizer: Tokens}";
    let stack = Running::start(&api(authorizers, &[ONE, named]), &[]).await;
    let answer = stack.http(Request::get("/"), "/one", "").await;
    assert!(answer.json()["requestContext"].get("authorizer").is_none());
    assert_eq!(stack.http(Request::get("/"), "/named", "").await.status, 401);
    stack.stop().await;
    let open = "Path: /open, Method: GET, Auth: {Authorizer: NONE}";
    let stack = Running::start(&guarded(SIMPLE, &[ONE, open]), &[]).await;
    assert_eq!(stack.http(Request::get("/"), "/open", "").await.status, 200);
    assert_eq!(stack.http(Request::get("/"), "/one", "").await.status, 401);
    stack.stop().await;
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-pricing.html>
#[tokio::test]
async fn api_gateway_pricing_requests_that_are_throttled_or_not_authorized_are_not_billed() {
    let throttled =
        "Path: /one, Method: GET, RouteSettings: {ThrottlingBurstLimit: 3, ThrottlingRateLimit: 0.001}";
    let stack = Running::start(&guarded(SIMPLE, &[throttled]), &[]).await;
    let statuses = [
        get(&stack, "/one", &json!({"answer": {"isAuthorized": true}})).await.status,
        get(&stack, "/one", &json!({"answer": {"isAuthorized": false}})).await.status,
        stack.http(Request::get("/"), "/one", "").await.status,
        get(&stack, "/one", &json!({})).await.status,
        get(&stack, "/none", &json!({})).await.status,
    ];
    assert_eq!(statuses, [200, 403, 401, 429, 404]);
    let bill = stack.control("/_local/bill").await.json();
    let routes = bill["bill"]["routes"].as_array().unwrap_or_else(|| panic!("{bill:#}"));
    assert_eq!(routes.len(), 1, "{bill:#}");
    assert_eq!((&routes[0]["route"], &routes[0]["requests"]), (&json!("GET /one"), &json!(1)), "{bill:#}");
    stack.stop().await;
}
