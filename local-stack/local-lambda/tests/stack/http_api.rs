//! Responses: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! and routes: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use http::Request;
use serde_json::{Value, json};

use crate::harness::{Response, Running, puppet};

/// A template with an HTTP API: the API's properties, and those of the puppet's routes.
pub(crate) fn api(properties: &str, routes: &[&str]) -> String {
    let routes: String = routes
        .iter()
        .enumerate()
        .map(|(index, route)| {
            format!("        Route{index}: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, {route}}}}}\n")
        })
        .collect();
    puppet(
        &format!("      Environment: {{Variables: {{RECORD: $RECORD}}}}\n      Events:\n{routes}"),
        &format!(
            "  Api:\n    Type: AWS::Serverless::HttpApi\n    Properties: {{{properties}}}\n  \
             Guard:\n    Type: AWS::Serverless::Function\n    \
             Metadata: {{BuildMethod: rust-cargolambda, BuildProperties: {{Binary: puppet}}}}\n    \
             Properties:\n      FunctionName: guard\n      Runtime: provided.al2023\n      \
             Environment: {{Variables: {{RECORD: $RECORD}}}}\n"
        ),
    )
}

pub(crate) const EVERYTHING: &str = "Path: $default";

/// Sends the puppet a command through the HTTP API.
pub(crate) async fn command(stack: &Running, path: &str, command: &Value) -> Response {
    stack.http(Request::post("/"), path, &command.to_string()).await
}

/// Asserts an error response of API Gateway itself.
pub(crate) fn assert_refused(answer: &Response, status: u16, message: &str) {
    assert_eq!((answer.status, answer.json()), (status, json!({"message": message})), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.header("apigw-requestid").is_empty());
}

#[tokio::test]
async fn http_api_develop_integrations_lambda_a_response_is_inferred_without_a_status_code() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    for (answered, body) in [
        (json!({"answer": {"message": "hello"}}), r#"{"message":"hello"}"#),
        (json!({"answer": "Hello from Lambda!"}), "Hello from Lambda!"),
        (json!({"answer": [1, 2]}), "[1,2]"),
    ] {
        let answer = command(&stack, "/", &answered).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert_eq!(answer.body, body);
    }
    stack.stop().await;
}

#[tokio::test]
async fn http_api_develop_integrations_lambda_a_whole_response_is_passed_through() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    let answered = json!({
        "statusCode": 202,
        "cookies": ["a=1; Secure", "b=2"],
        "headers": {
            "X-Name": "text", "x-number": 7, "x-flag": true, "Connection": "keep-alive, x-private",
            "x-private": "1", "Keep-Alive": "timeout=1", "Transfer-Encoding": "chunked", "Content-Length": "999",
            "apigw-requestid": "mine",
        },
        "multiValueHeaders": {"x-many": ["1.0 only"]},
        "body": "AP8=",
        "isBase64Encoded": true,
    });
    let answer = command(&stack, "/", &json!({"answer": answered})).await;
    assert_eq!((answer.status, &answer.body[..]), (202, &[0, 255][..]));
    let header = |name: &str| answer.header(name).to_owned();
    assert_eq!([header("x-name"), header("x-number"), header("x-flag")], ["text", "7", "true"]);
    assert_eq!(header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(header("content-length"), "2", "the server counts for itself");
    for absent in ["connection", "keep-alive", "x-private", "transfer-encoding", "x-many"] {
        assert_eq!(header(absent), "", "{absent}");
    }
    assert_ne!(header("apigw-requestid"), "mine");
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Secure", "b=2"]);
    stack.stop().await;
}

#[tokio::test]
async fn http_api_troubleshooting_lambda_a_malformed_response_is_an_internal_error() {
    let stack = Running::start(&api("", &[EVERYTHING]), &[]).await;
    for instruction in [
        json!({"answer": {"statusCode": "many"}}),
        json!({"answer": {"statusCode": 99}}),
        json!({"answer": {"statusCode": 200, "headers": {"a b": "c"}}}),
        json!({"answer": {"statusCode": 200, "headers": {"a": "b\nc"}}}),
        json!({"answer": {"statusCode": 200, "body": "%", "isBase64Encoded": true}}),
        json!({"error": "no"}),
        json!({"exit": 1}),
    ] {
        assert_refused(&command(&stack, "/", &instruction).await, 500, "Internal Server Error");
    }
    stack.stop().await;
}

/// The page's own table, and methods.
#[tokio::test]
async fn http_api_develop_routes_the_most_specific_route_is_selected() {
    let routes = [
        "Path: /pets/dog/1, Method: GET",
        "Path: '/pets/dog/{id}', Method: GET",
        "Path: '/pets/{proxy+}', Method: GET",
        "Path: '/{proxy+}', Method: ANY",
        "Path: /pets/dog/1, Method: ANY",
    ];
    let stack = Running::start(&api("", &routes), &[]).await;
    for (method, path, expected) in [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("PUT", "/pets/dog/1", "ANY /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
        ("POST", "/test/5", "ANY /{proxy+}"),
    ] {
        let answer = stack.http(Request::builder().method(method), path, "").await;
        assert_eq!(answer.json()["routeKey"], expected, "{method} {path}");
    }
    assert_refused(&stack.http(Request::get("/"), "/", "").await, 404, "Not Found");
    stack.stop().await;
}
