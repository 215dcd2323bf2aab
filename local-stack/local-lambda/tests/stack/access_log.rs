//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html>

use http::Request;
use local_lambda::report::{Format, Lines, Report};
use serde_json::{Value, json};

use crate::{
    harness::{Running, Written},
    http_api::{api, command},
};

/// The access log so far. A line is written before its response is sent.
fn lines(stack: &Running) -> Vec<Value> {
    stack.lines_of("access").into_iter().map(|line| line["line"].clone()).collect()
}

#[tokio::test]
async fn http_api_logging_variables_a_line_for_each_request() {
    let format = r#"AccessLogSettings: {Format: '{"id":"$context.requestId","what":"$context.httpMethod $context.path $context.protocol","route":"$context.routeKey","status":$context.status,"length":$context.responseLength,"error":"$context.error.message","integration":"$context.integrationStatus $context.integration.status $context.integrationErrorMessage","agent":"$context.identity.userAgent","unknown":"$context.no.such $context.identity.user"}'}"#;
    let stack = Running::start(&api(format, &["Path: '/{name}', Method: POST"]), &[]).await;
    let request = Request::post("/").header("user-agent", "me");
    let instruction = json!({"answer": {"statusCode": 201, "body": "four"}}).to_string();
    let answer = stack.http(request, "/a%20b?secret=1", &instruction).await;
    command(&stack, "/x", &json!({"error": "no such thing"})).await;
    stack.http(Request::get("/"), "/x", "").await;
    let lines = lines(&stack);
    assert_eq!(
        lines[0],
        json!({
            "id": answer.header("apigw-requestid"), "what": "POST /a b HTTP/1.1", "route": "POST /{name}",
            "status": 201, "length": 4, "error": "-", "integration": "200 201 -", "agent": "me", "unknown": "- -",
        })
    );
    assert_eq!(
        (&lines[1]["status"], &lines[1]["error"], &lines[1]["integration"]),
        (&json!(500), &json!("Internal Server Error"), &json!("200 - no such thing"))
    );
    assert_eq!(
        (&lines[2]["status"], &lines[2]["route"], &lines[2]["integration"]),
        (&json!(404), &json!("-"), &json!("- - -"))
    );
    stack.stop().await;
}

#[tokio::test]
async fn http_api_logging_a_format_can_be_text_and_without_a_format_there_is_no_log() {
    let clf = "AccessLogSettings: {Format: '$context.identity.sourceIp - - [$context.requestTime] \"$context.status.\"'}";
    let route = ["Path: /, Method: POST"];
    let stack = Running::start(&api(clf, &route), &[]).await;
    command(&stack, "/", &json!({})).await;
    let line = lines(&stack)[0].as_str().unwrap().to_owned();
    assert!(line.starts_with("127.0.0.1 - - [") && line.ends_with(" +0000] \"200.\""), "{line}");
    stack.stop().await;
    let stack = Running::start(&api("", &route), &[]).await;
    command(&stack, "/", &json!({})).await;
    assert!(lines(&stack).is_empty());
    stack.stop().await;
}

/// As text, these lines are written only with everything else; as JSON, always unless the stack is quiet.
#[test]
fn access_log_lines_depend_on_the_format_and_the_selected_lines() {
    for (lines, format, shown) in [
        (Lines::All, Format::Text, "a line\n"),
        (Lines::Invocations, Format::Text, ""),
        (Lines::Quiet, Format::Text, ""),
        (Lines::Quiet, Format::Json, ""),
    ] {
        let written = Written::default();
        Report::to(Box::new(written.clone()), lines, format, false).access("a line");
        assert_eq!(written.text(), shown, "{lines:?} {format:?}");
    }
    let written = Written::default();
    Report::to(Box::new(written.clone()), Lines::Invocations, Format::Json, false).access("a line");
    let line: Value = serde_json::from_str(&written.text()).unwrap();
    assert_eq!((&line["kind"], &line["line"]), (&json!("access"), &json!("a line")));
}
