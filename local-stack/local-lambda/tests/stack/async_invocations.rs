//! Asynchronous invocations: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html>

use serde_json::{Value, json};

use crate::harness::{Running, puppet};

fn template(properties: &str) -> String {
    let function = format!("{properties}      Environment: {{Variables: {{RECORD: $RECORD}}}}");
    puppet(
        &function,
        "  Done: {Type: AWS::SQS::Queue}\n  Lost: {Type: AWS::SQS::Queue}\n  Dead: {Type: AWS::SQS::Queue}\n  \
         Fifo: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}",
    )
}

/// `EventInvokeConfig` with these members, destinations for success and failure, and a dead-letter queue.
fn config(members: &str) -> String {
    format!(
        "      DeadLetterQueue: {{Type: SQS, TargetArn: !GetAtt Dead.Arn}}\n      EventInvokeConfig:\n{members}        \
         DestinationConfig:\n          OnSuccess: {{Type: SQS, Destination: !GetAtt Done.Arn}}\n          \
         OnFailure: {{Type: SQS, Destination: !GetAtt Lost.Arn}}\n"
    )
}

const NO_RETRY: &str = "        MaximumRetryAttempts: 0\n";

fn request_ids(stack: &Running) -> Vec<Value> {
    stack.recorded().iter().map(|seen| seen["request_id"].clone()).collect()
}

#[tokio::test]
async fn invocation_async_the_caller_does_not_wait() {
    let stack = Running::start(&template(""), &[]).await;
    let answer = stack.invoke_event(&json!({"puppet": {"sleep_ms": 200}})).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    assert!(stack.lines_of("invocation").is_empty());
    stack.eventually("it runs", |stack| stack.lines_of("invocation").pop()).await;
    stack.stop().await;
}

#[tokio::test]
async fn invocation_async_error_handling_two_retries_and_then_the_destination() {
    let stack = Running::start(&template(&config("")), &[]).await;
    let event = json!({"puppet": {"error": "no"}});
    stack.invoke_event(&event).await;
    let mut record = stack.take_bodies("Lost", 1).await.remove(0);
    let ids = request_ids(&stack);
    assert_eq!(ids, vec![ids[0].clone(); 3], "three attempts with one request id");
    assert!(record["timestamp"].take().is_string());
    let error = record["responsePayload"].take();
    assert_eq!(error["errorMessage"], "no");
    let expected = json!({
        "version": "1.0",
        "timestamp": null,
        "requestContext": {
            "requestId": ids[0],
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:puppet:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": null,
    });
    assert_eq!(record, expected);
    stack.stop().await;
}

#[tokio::test]
async fn invocation_async_retain_records_a_dead_letter_is_the_event() {
    let stack = Running::start(&template(&config(NO_RETRY)), &[]).await;
    let event = json!({"puppet": {"error": "x".repeat(3000)}});
    stack.invoke_event(&event).await;
    let message = stack.take("Dead", 1).await.remove(0);
    assert_eq!(message.body().unwrap(), event.to_string());
    let attributes = message.message_attributes().unwrap();
    let attribute = |name: &str| (attributes[name].data_type(), attributes[name].string_value().unwrap());
    assert_eq!(attribute("RequestID"), ("String", request_ids(&stack)[0].as_str().unwrap()));
    assert_eq!(attribute("ErrorCode"), ("Number", "200"));
    assert_eq!(attribute("ErrorMessage").1.len(), 1024);
    stack.stop().await;
}

#[tokio::test]
async fn invocation_async_retain_records_successes_have_their_own_destination() {
    let stack = Running::start(&template(&config(NO_RETRY)), &[]).await;
    stack.invoke_event(&json!({"puppet": {"answer": {"made": 1}}})).await;
    let record = stack.take_bodies("Done", 1).await.remove(0);
    assert_eq!(record["requestContext"]["condition"], "Success");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 1);
    assert_eq!(record["responseContext"], json!({"statusCode": 200, "executedVersion": "$LATEST"}));
    assert_eq!(record["responsePayload"], json!({"made": 1}));
    // A later failure is the first message of the other queues.
    stack.invoke_event(&json!({"puppet": {"error": "no"}})).await;
    assert_eq!(stack.take_bodies("Lost", 1).await[0]["responsePayload"]["errorMessage"], "no");
    stack.stop().await;
}

#[tokio::test]
async fn invocation_async_error_handling_no_retries_if_the_template_sets_none() {
    let stack = Running::start(&template(&config(NO_RETRY)), &[]).await;
    stack.invoke_event(&json!({"puppet": {"exit": 1}})).await;
    let record = stack.take_bodies("Lost", 1).await.remove(0);
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 1);
    assert_eq!(record["responsePayload"]["errorType"], "Runtime.ExitError");
    assert_eq!(stack.recorded().len(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn invocation_async_error_handling_an_event_that_is_too_old_is_discarded() {
    let stack = Running::start(&template(&config("        MaximumEventAgeInSeconds: 90\n")), &[]).await;
    stack.invoke_event(&json!({"puppet": {"error": "no"}})).await;
    let record = stack.take_bodies("Lost", 1).await.remove(0);
    // The first retry is after a minute; the second would be after three.
    assert_eq!(record["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(stack.take("Dead", 1).await.len(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn invocation_async_error_handling_throttles_do_not_count_as_retries() {
    let properties = format!("      ReservedConcurrentExecutions: 1\n{}", config(NO_RETRY));
    let stack = Running::start(&template(&properties), &[]).await;
    stack.invoke_event(&json!({"puppet": {"sleep_ms": 500}})).await;
    stack.eventually("it is busy", |stack| stack.recorded().pop()).await;
    stack.invoke_event(&json!({"second": true})).await;
    let records = stack.take_bodies("Done", 2).await;
    assert_eq!(records[1]["requestPayload"], json!({"second": true}));
    assert_eq!(records[1]["requestContext"]["approximateInvokeCount"], 1);
    assert!(stack.lines_of("invocation").iter().any(|line| line["result"] == "throttled"));
    stack.stop().await;
}

#[tokio::test]
async fn an_unsupported_destination_names_its_line() {
    for (line, expected) in [
        ("OnFailure: {Type: SNS, Destination: x}", "10: SNS destinations are not supported: SQS is"),
        ("OnFailure: {Destination: !GetAtt Fifo.Arn}", "10: Fifo is a FIFO queue"),
        ("OnFailure: {Destination: !GetAtt Puppet.Arn}", "10: Puppet is not a queue of this template"),
    ] {
        let properties = format!("      EventInvokeConfig:\n        DestinationConfig:\n          {line}\n");
        let error = Running::refused(&template(&properties)).await;
        assert!(error.contains(expected), "{error}");
    }
}
