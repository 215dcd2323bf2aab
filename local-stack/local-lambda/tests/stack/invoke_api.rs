//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::harness::{Running, puppet};

const RECORDED: &str = "      Environment: {Variables: {RECORD: $RECORD}}";

#[tokio::test]
async fn api_invoke_request_response_answers_the_payload_and_marks_errors() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let answer = stack.invoke(&json!({"a": [1, "é"]})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"a": [1, "é"]})));
    assert_eq!(answer.header("x-amz-executed-version"), "$LATEST");
    assert_eq!(stack.recorded()[0]["request_id"], answer.header("x-amzn-requestid"));
    let failed = stack.invoke(&json!({"puppet": {"error": "no"}})).await;
    assert_eq!((failed.status, failed.header("x-amz-function-error")), (200, "Unhandled"));
    assert_eq!(failed.json()["errorMessage"], "no");
    stack.stop().await;
}

#[tokio::test]
async fn api_invoke_event_is_accepted_before_it_runs_and_dry_run_runs_nothing() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let dry = stack.invoke_with(&[("x-amz-invocation-type", "DryRun")], "puppet", "{}").await;
    assert_eq!((dry.status, dry.body.len()), (204, 0));
    let event = r#"{"puppet": {"sleep_ms": 100}}"#;
    let accepted = stack.invoke_with(&[("x-amz-invocation-type", "Event")], "puppet", event).await;
    assert_eq!((accepted.status, accepted.body.len()), (202, 0));
    assert!(stack.lines_of("invocation").is_empty(), "it has not ended yet");
    stack.eventually("it runs", |stack| (stack.lines_of("invocation").len() == 1).then_some(())).await;
    assert_eq!(stack.recorded().len(), 1, "the dry run left nothing");
    stack.stop().await;
}

#[tokio::test]
async fn api_invoke_log_type_tail_answers_the_last_4_kb_of_the_log() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let tail = async |event: serde_json::Value| {
        let answer = stack.invoke_with(&[("x-amz-log-type", "Tail")], "puppet", &event.to_string()).await;
        let log = STANDARD.decode(answer.header("x-amz-log-result")).unwrap();
        (answer.header("x-amzn-requestid").to_owned(), String::from_utf8(log).unwrap())
    };
    let (id, log) = tail(json!({"puppet": {"print": "a line of its own"}})).await;
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines[0], format!("START RequestId: {id} Version: $LATEST"));
    assert_eq!(lines[1..3], ["a line of its own".to_owned(), format!("END RequestId: {id}")]);
    assert!(lines[3].starts_with(&format!("REPORT RequestId: {id}\tDuration: ")), "{log}");
    assert!(lines[3].contains("\tMemory Size: 128 MB\t") && lines[3].contains("Init Duration"), "{log}");
    let (_, long) = tail(json!({"puppet": {"print": "x".repeat(10_000)}})).await;
    assert!(long.len() <= 4096 && long.contains("REPORT"), "{}", long.len());
    let (_, next) = tail(json!({})).await;
    assert!(!next.contains("xxx") && !next.contains("Init Duration"), "each invocation has its own: {next}");
    assert_eq!(stack.invoke(&json!({})).await.header("x-amz-log-result"), "", "only if asked for");
    stack.stop().await;
}

#[tokio::test]
async fn api_invoke_errors() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    for (headers, name, payload, status, kind) in [
        (&[][..], "nobody", "{}".to_owned(), 404, "ResourceNotFoundException"),
        (&[], "puppet", "{".to_owned(), 400, "InvalidRequestContentException"),
        (&[], "puppet", format!("\"{}\"", "x".repeat(6 * 1024 * 1024)), 413, "RequestTooLargeException"),
        (
            &[("x-amz-invocation-type", "Sometimes")],
            "puppet",
            "{}".to_owned(),
            400,
            "InvalidParameterValueException",
        ),
        (&[("x-amz-log-type", "Head")], "puppet", "{}".to_owned(), 400, "InvalidParameterValueException"),
    ] {
        let answer = stack.invoke_with(headers, name, &payload).await;
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (status, kind), "{answer:?}");
        assert!(!answer.json()["message"].as_str().unwrap().is_empty());
    }
    assert!(stack.recorded().is_empty(), "nothing has run");
    for name in
        ["Puppet", "puppet", "arn:aws:lambda:us-east-1:000000000000:function:puppet", "puppet:$LATEST"]
    {
        assert_eq!(stack.invoke_function(name, &json!({})).await.status, 200, "{name}");
    }
    stack.stop().await;
}
