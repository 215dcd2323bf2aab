//! Queues as event sources: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::collections::HashSet;

use aws_sdk_sqs::{
    error::ProvideErrorMetadata,
    types::{MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Running, puppet};

/// A puppet on the queue `Jobs`.
fn template(source: &str, queue: &str) -> String {
    with_properties("      Timeout: 20", source, queue)
}

fn with_properties(properties: &str, source: &str, queue: &str) -> String {
    let function = format!(
        "{properties}\n      Environment: {{Variables: {{RECORD: $RECORD}}}}\n      Events:\n        Jobs:\n          \
         Type: SQS\n          Properties: {{Queue: !GetAtt Jobs.Arn, {source}}}"
    );
    let queues = format!(
        "  Jobs:\n    Type: AWS::SQS::Queue\n    Properties: {{{queue}}}\n  \
         Dead:\n    Type: AWS::SQS::Queue"
    );
    puppet(&function, &queues)
}

const PARTIAL: &str = "FunctionResponseTypes: [ReportBatchItemFailures]";
/// A message that fails once is in the dead-letter queue two seconds later.
const ONCE: &str =
    "VisibilityTimeout: 2, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}";

/// The messages of each invocation so far, by the member `n` of their bodies.
fn batches(stack: &Running) -> Vec<Vec<Value>> {
    let records = |seen: Value| seen["event"]["Records"].as_array().unwrap().clone();
    let name = |record: &Value| {
        let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
        body["n"].clone()
    };
    stack.recorded().into_iter().map(|seen| records(seen).iter().map(name).collect()).collect()
}

async fn dead(stack: &Running, count: usize) -> Vec<u64> {
    let bodies = stack.take_bodies("Dead", count).await;
    let mut names: Vec<_> = bodies.iter().map(|body| body["n"].as_u64().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn with_sqs_functions_get_messages_with_their_attributes() {
    let stack = Running::start(&template("BatchSize: 1", ""), &["--region", "eu-west-1"]).await;
    let attribute =
        MessageAttributeValue::builder().data_type("String").string_value("blue").build().unwrap();
    let request = stack.sqs.send_message().queue_url(stack.queue("Jobs")).message_body("hello");
    let sent = request.message_attributes("colour", attribute).send().await.unwrap();
    let seen = stack.eventually("it comes", |stack| stack.recorded().pop()).await;
    let record = &seen["event"]["Records"][0];
    assert_eq!(record["messageId"], sent.message_id().unwrap());
    assert_eq!(record["md5OfBody"], sent.md5_of_message_body().unwrap());
    assert_eq!(record["body"], "hello");
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["eventSourceARN"], "arn:aws:sqs:eu-west-1:000000000000:Jobs");
    assert_eq!(record["awsRegion"], "eu-west-1");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert!(record["attributes"]["SentTimestamp"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(record["messageAttributes"]["colour"]["stringValue"], "blue");
    stack.stop().await;
}

#[tokio::test]
async fn services_sqs_configure_no_batch_is_larger_than_batch_size() {
    let stack = Running::start(&template("BatchSize: 3", ""), &[]).await;
    stack.send_commands("Jobs", &(0..10).map(|n| json!({"n": n})).collect::<Vec<_>>()).await;
    let all = |stack: &Running| {
        let batches = batches(stack);
        (batches.iter().flatten().count() == 10).then_some(batches)
    };
    let batches = stack.eventually("all come", all).await;
    assert!(batches.iter().all(|batch| batch.len() <= 3), "{batches:?}");
    stack.stop().await;
}

#[tokio::test]
async fn services_sqs_configure_a_window_gathers_more_than_one_receive() {
    let stack = Running::start(&template("BatchSize: 100, MaximumBatchingWindowInSeconds: 1", ""), &[]).await;
    for tens in 0..3 {
        stack.send_commands("Jobs", &(0..10).map(|n| json!({"n": tens * 10 + n})).collect::<Vec<_>>()).await;
    }
    let first = stack.eventually("a batch comes", |stack| batches(stack).pop()).await;
    assert_eq!(first.len(), 30);
    stack.stop().await;
}

#[tokio::test]
async fn services_sqs_configure_a_window_ends_when_the_batch_is_full_or_has_6_mb() {
    for (size, text) in [(4, 10), (10_000, 250 * 1024)] {
        let source = format!("BatchSize: {size}, MaximumBatchingWindowInSeconds: 300");
        let stack = Running::start(&template(&source, ""), &[]).await;
        let count = size.min(27);
        for _ in 0..count {
            stack.send_texts("Jobs", &["x".repeat(text)]).await;
        }
        stack.eventually("a batch comes", |stack| stack.lines_of("invocation").pop()).await;
        let event = stack.recorded().remove(0)["event"].clone();
        let bytes = event.to_string().len();
        assert!(bytes <= 6 * 1024 * 1024, "{bytes}");
        let records = event["Records"].as_array().unwrap().len();
        assert_eq!(records, if size == 4 { 4 } else { 24 });
        stack.stop().await;
    }
}

#[tokio::test]
async fn services_sqs_errorhandling_only_the_reported_messages_are_received_again() {
    let source = format!("BatchSize: 3, MaximumBatchingWindowInSeconds: 60, {PARTIAL}");
    let stack = Running::start(&template(&source, ONCE), &[]).await;
    let commands = [json!({"n": 1}), json!({"n": 2, "fail": true}), json!({"n": 3})];
    stack.send_commands("Jobs", &commands).await;
    assert_eq!(dead(&stack, 1).await, [2]);
    // Nothing is received later than this.
    let later = [json!({"n": 4, "fail": true}), json!({"n": 5}), json!({"n": 6})];
    stack.send_commands("Jobs", &later).await;
    assert_eq!(dead(&stack, 1).await, [4]);
    assert_eq!(batches(&stack).len(), 2);
    stack.stop().await;
}

/// A batch of two messages, of which the second sets the function's response; and whether they are received again.
async fn fails_whole(answer: Value) -> bool {
    let source = format!("BatchSize: 2, MaximumBatchingWindowInSeconds: 60, {PARTIAL}");
    let stack = Running::start(&template(&source, ONCE), &[]).await;
    stack.send_commands("Jobs", &[json!({"n": 1}), json!({"n": 2, "answer": answer})]).await;
    stack.eventually("the batch comes", |stack| batches(stack).pop()).await;
    // These always fail, and reach the dead-letter queue after those of the first batch would.
    stack.send_commands("Jobs", &[json!({"n": 3, "error": "no"}), json!({"n": 4})]).await;
    let mut names = Vec::new();
    while !(names.contains(&3) && names.contains(&4)) {
        names.extend(dead(&stack, 1).await);
    }
    stack.stop().await;
    names.sort_unstable();
    assert!([vec![3, 4], vec![1, 2, 3, 4]].contains(&names), "{answer}: {names:?}");
    names.len() == 4
}

#[tokio::test]
async fn services_sqs_errorhandling_an_unknown_id_fails_the_whole_batch() {
    assert!(fails_whole(json!({"batchItemFailures": [{"itemIdentifier": "unknown"}]})).await);
}

#[tokio::test]
async fn services_sqs_errorhandling_a_malformed_response_fails_the_whole_batch() {
    let answers = [
        json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
        json!({"batchItemFailures": [{"itemIdentifier": null}]}),
        json!({"batchItemFailures": [{"itemIdentifer": "1"}]}),
        json!({"batchItemFailures": "1"}),
        json!([1]),
    ];
    assert!(join_all(answers.map(fails_whole)).await.into_iter().all(|whole| whole));
}

#[tokio::test]
async fn services_sqs_errorhandling_an_empty_response_is_success() {
    let answers =
        [json!({"batchItemFailures": []}), json!({"batchItemFailures": null}), json!({}), json!(null)];
    assert!(!join_all(answers.map(fails_whole)).await.into_iter().any(|whole| whole));
}

#[tokio::test]
async fn services_sqs_errorhandling_without_report_batch_item_failures_the_response_does_not_matter() {
    let stack =
        Running::start(&template("BatchSize: 2, MaximumBatchingWindowInSeconds: 60", ONCE), &[]).await;
    stack.send_commands("Jobs", &[json!({"n": 1, "fail": true}), json!({"n": 2})]).await;
    stack.eventually("the batch comes", |stack| batches(stack).pop()).await;
    stack.send_commands("Jobs", &[json!({"n": 3, "error": "no"}), json!({"n": 4})]).await;
    assert_eq!(dead(&stack, 2).await, [3, 4]);
    stack.stop().await;
}

#[tokio::test]
async fn services_sqs_errorhandling_a_failed_batch_is_received_again_and_then_redriven() {
    let twice =
        "VisibilityTimeout: 1, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}";
    let stack = Running::start(&template("BatchSize: 1", twice), &[]).await;
    stack.send_commands("Jobs", &[json!({"n": 1, "error": "no"})]).await;
    assert_eq!(dead(&stack, 1).await, [1]);
    let received: Vec<_> = stack
        .recorded()
        .iter()
        .map(|seen| seen["event"]["Records"][0]["attributes"]["ApproximateReceiveCount"].clone())
        .collect();
    assert_eq!(received, ["1", "2"]);
    stack.stop().await;
}

#[tokio::test]
async fn services_sqs_scaling_maximum_concurrency_is_a_limit() {
    let stack =
        Running::start(&template("BatchSize: 1, ScalingConfig: {MaximumConcurrency: 2}", ""), &[]).await;
    let slow: Vec<_> = (0..8).map(|n| json!({"n": n, "sleep_ms": 100})).collect();
    stack.send_commands("Jobs", &slow).await;
    let all = |stack: &Running| Some(stack.recorded()).filter(|recorded| recorded.len() == 8);
    let recorded = stack.eventually("all come", all).await;
    let processes: HashSet<_> = recorded.iter().map(|seen| seen["process_id"].as_u64()).collect();
    assert_eq!(processes.len(), 2);
    stack.stop().await;
}

#[tokio::test]
async fn with_sqs_filtering_messages_that_do_not_match_are_deleted() {
    let filter = r#"BatchSize: 1, FilterCriteria: {Filters: [{Pattern: '{"body":{"kind":["wanted"]}}'}]}"#;
    let stack = Running::start(&template(filter, ONCE), &[]).await;
    let texts = [json!({"n": 1, "kind": "other"}).to_string(), "a plain text".to_owned()];
    stack.send_texts("Jobs", &texts).await;
    stack.send_commands("Jobs", &[json!({"n": 2, "kind": "wanted"})]).await;
    stack.send_commands("Jobs", &[json!({"n": 3, "kind": "wanted", "error": "no"})]).await;
    // The last one reaches the dead-letter queue when the others would.
    assert_eq!(dead(&stack, 1).await, [3]);
    let mut seen: Vec<_> = batches(&stack).concat().iter().map(|name| name.as_u64().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, [2, 3]);
    let kinds = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let request = stack.sqs.get_queue_attributes().queue_url(stack.queue("Jobs"));
    let attributes = request.set_attribute_names(Some(kinds.to_vec())).send().await.unwrap().attributes;
    assert!(attributes.unwrap().values().all(|count| count == "0"), "all are deleted");
    stack.stop().await;
}

#[tokio::test]
async fn services_sqs_configure_a_fifo_queue_keeps_the_order_of_each_group() {
    let fifo = "FifoQueue: true, ContentBasedDeduplication: true";
    let stack = Running::start(&template("BatchSize: 1", fifo), &[]).await;
    let (client, url) = (stack.sqs.clone(), stack.queue("Jobs"));
    for n in 0..4 {
        for group in ["a", "b"] {
            let body = json!({"n": format!("{group}{n}"), "sleep_ms": 50}).to_string();
            // Twice, to be deduplicated by the body.
            for _ in 0..2 {
                let request = client.send_message().queue_url(&url).message_group_id(group);
                request.message_body(&body).send().await.unwrap();
            }
        }
    }
    let all = |stack: &Running| (batches(stack).len() == 8).then(|| stack.recorded());
    let recorded = stack.eventually("all come", all).await;
    for group in ["a", "b"] {
        let mut names = Vec::new();
        let mut starts: Vec<u64> = Vec::new();
        for seen in &recorded {
            let record = &seen["event"]["Records"][0];
            if record["attributes"]["MessageGroupId"] == group {
                let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
                names.push(body["n"].clone());
                starts.push(seen["deadline_ms"].as_u64().unwrap());
            }
        }
        assert_eq!(names, [0, 1, 2, 3].map(|n| format!("{group}{n}")));
        assert!(starts.windows(2).all(|pair| pair[1] >= pair[0] + 49), "one batch at a time: {starts:?}");
    }
    let processes: HashSet<_> = recorded.iter().map(|seen| seen["process_id"].as_u64()).collect();
    assert_eq!(processes.len(), 2, "the groups run beside each other");
    stack.stop().await;
}

#[tokio::test]
async fn services_sqs_configure_a_fifo_queue_takes_no_window() {
    let fifo = "FifoQueue: true";
    let source = "BatchSize: 10, MaximumBatchingWindowInSeconds: 1";
    let error = Running::refused(&template(source, fifo)).await;
    assert!(error.contains("13: a FIFO queue takes a BatchSize of at most 10"), "{error}");
}

#[tokio::test]
async fn services_sqs_errorhandling_throttled_messages_are_retried_while_they_are_invisible() {
    let one = "      Timeout: 20\n      ReservedConcurrentExecutions: 1";
    let template = with_properties(one, "BatchSize: 1", "");
    let stack = Running::start(&template, &[]).await;
    let busy = json!({"puppet": {"sleep_ms": 600}});
    let (answer, ()) = tokio::join!(stack.invoke(&busy), async {
        stack.eventually("it is busy", |stack| stack.recorded().pop()).await;
        stack.send_commands("Jobs", &[json!({"n": 1})]).await;
    });
    assert_eq!(answer.status, 200);
    let seen = stack.eventually("it comes", |stack| stack.recorded().into_iter().nth(1)).await;
    assert_eq!(seen["event"]["Records"][0]["attributes"]["ApproximateReceiveCount"], "1");
    assert!(stack.lines_of("invocation").iter().any(|line| line["result"] == "throttled"));
    stack.stop().await;
}

#[tokio::test]
async fn services_sqs_errorhandling_messages_throttled_for_longer_are_received_again() {
    let one = "      Timeout: 20\n      ReservedConcurrentExecutions: 1";
    let stack = Running::start(&with_properties(one, "BatchSize: 1", "VisibilityTimeout: 1"), &[]).await;
    let busy = json!({"puppet": {"sleep_ms": 1500}});
    let (answer, ()) = tokio::join!(stack.invoke(&busy), async {
        stack.eventually("it is busy", |stack| stack.recorded().pop()).await;
        stack.send_commands("Jobs", &[json!({"n": 1})]).await;
    });
    assert_eq!(answer.status, 200);
    let seen = stack.eventually("it comes", |stack| stack.recorded().into_iter().nth(1)).await;
    let received = &seen["event"]["Records"][0]["attributes"]["ApproximateReceiveCount"];
    assert!(received.as_str().unwrap().parse::<u32>().unwrap() > 1, "{received}");
    stack.stop().await;
}

#[tokio::test]
async fn api_operations_what_sqs_refuses_is_refused() {
    let stack = Running::start(&template("BatchSize: 1", ONCE), &[]).await;
    let (sqs, url) = (&stack.sqs, &stack.queue("Dead"));
    let range = "InvalidParameterValue";
    for (most, wait, visibility) in
        [(11, 0, 0), (0, 0, 0), (-1, 0, 0), (1, 21, 0), (1, -1, 0), (1, 0, 43_201)]
    {
        let request =
            sqs.receive_message().queue_url(url).max_number_of_messages(most).wait_time_seconds(wait);
        let error = request.visibility_timeout(visibility).send().await.unwrap_err();
        assert_eq!(error.code(), Some(range), "{most} {wait} {visibility}");
    }
    let error =
        sqs.send_message().queue_url(url).message_body("a").delay_seconds(901).send().await.unwrap_err();
    assert_eq!(error.code(), Some(range));
    let error = sqs.delete_message().queue_url(url).receipt_handle("nonsense").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ReceiptHandleIsInvalid"));
    let error =
        sqs.get_queue_attributes().queue_url(url).attribute_names("Colour".into()).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAttributeName"));
    let entry = |id: &str, size: usize| {
        SendMessageBatchRequestEntry::builder().id(id).message_body("x".repeat(size)).build().unwrap()
    };
    let batch = async |entries| {
        let error =
            sqs.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await.unwrap_err();
        error.code().unwrap_or_default().to_owned()
    };
    assert_eq!(batch(vec![entry("a b", 1)]).await, "AWS.SimpleQueueService.InvalidBatchEntryId");
    let large = (0..6).map(|index| entry(&index.to_string(), 200_000)).collect();
    assert_eq!(batch(large).await, "AWS.SimpleQueueService.BatchRequestTooLong");

    sqs.send_message().queue_url(url).message_body("a").send().await.unwrap();
    let received = sqs.receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(0);
    let received = received.send().await.unwrap();
    let handle = received.messages()[0].receipt_handle().unwrap();
    sqs.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
    let sources = sqs.list_dead_letter_source_queues().queue_url(url).send().await.unwrap();
    assert_eq!(sources.queue_urls(), [stack.queue("Jobs")]);
    stack.stop().await;
}
