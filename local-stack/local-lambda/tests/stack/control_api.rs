//! The control API.

use serde_json::json;

use crate::harness::{Running, puppet};

const QUEUE: &str = "  Letters: {Type: AWS::SQS::Queue}";

#[tokio::test]
async fn a_stream_reports_the_iterator_age_of_its_function() {
    let properties = "      Timeout: 5\n      Events:\n        Rows: {Type: DynamoDB, Properties: \
                      {Stream: !GetAtt Rows.StreamArn, StartingPosition: TRIM_HORIZON}}";
    let table = "  Rows:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      AttributeDefinitions: \
                 [{AttributeName: id, AttributeType: S}]\n      KeySchema: [{AttributeName: id, KeyType: HASH}]\n      \
                 StreamSpecification: {StreamViewType: NEW_IMAGE}";
    let stack = Running::start(&puppet(properties, table), &[]).await;
    let age = async || {
        let status = stack.control("/_local/functions").await.json();
        status["iterator_age_ms"]["Rows -> puppet"].as_u64().unwrap()
    };
    assert_eq!(age().await, 0);
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let put = stack.dynamodb.put_item().table_name("Rows").item("id", text("1"));
    put.item("puppet", text(r#"{"sleep_ms": 700}"#)).send().await.unwrap();
    while age().await < 300 {
        tokio::task::yield_now().await;
    }
    stack.eventually("it is done", |stack| (stack.lines_of("invocation").len() == 1).then_some(())).await;
    while age().await > 0 {
        tokio::task::yield_now().await;
    }
    stack.stop().await;
}

#[tokio::test]
async fn functions_report_their_environments_and_queues_their_depth() {
    let stack = Running::start(&puppet("      ReservedConcurrentExecutions: 2", QUEUE), &[]).await;
    let slow = json!({"puppet": {"sleep_ms": 400}});
    let (status, ..) = tokio::join!(
        async {
            loop {
                let status = stack.control("/_local/functions").await.json();
                if status["functions"]["puppet"]["running"] == 2 {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        },
        stack.invoke(&slow),
        stack.invoke(&slow)
    );
    assert_eq!(status["functions"]["puppet"]["invocations"], 0, "{status}");
    stack.invoke(&json!({"puppet": {"error": "no"}})).await;
    stack
        .sqs
        .send_message()
        .queue_url(&stack.stack.resource_ids.queue_urls["Letters"])
        .message_body("a")
        .send()
        .await
        .unwrap();
    let status = stack.control("/_local/functions").await.json();
    assert_eq!(
        status["functions"]["puppet"],
        json!({"environments": 2, "idle": 2, "running": 0, "invocations": 3, "cold_starts": 2, "errors": 1, "throttles": 0})
    );
    assert_eq!(status["queues"]["Letters"], json!({"visible": 1, "in_flight": 0, "delayed": 0}));
    assert_eq!(stack.control("/elsewhere").await.status, 404);
    stack.stop().await;
}
