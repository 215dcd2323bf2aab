//! Streams as event sources: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::harness::{Running, puppet};

/// A puppet on the stream of the table `Things`.
pub(crate) fn template(source: &str) -> String {
    with_properties("      Timeout: 20", &format!("StartingPosition: TRIM_HORIZON, {source}"))
}

fn with_properties(properties: &str, source: &str) -> String {
    let function = format!(
        "{properties}\n      Environment: {{Variables: {{RECORD: $RECORD}}}}\n      Events:\n        Changes:\n          \
         Type: DynamoDB\n          Properties: {{Stream: !GetAtt Things.StreamArn, {source}}}"
    );
    let others = "  Things:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      \
                  AttributeDefinitions: [{AttributeName: id, AttributeType: S}, {AttributeName: n, AttributeType: N}]\n      \
                  KeySchema: [{AttributeName: id, KeyType: HASH}, {AttributeName: n, KeyType: RANGE}]\n      \
                  StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}\n  \
                  Lost: {Type: AWS::SQS::Queue}";
    puppet(&function, others)
}

const GIVE_UP: &str = "DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Lost.Arn}}";
const PARTIAL: &str = "FunctionResponseTypes: [ReportBatchItemFailures]";
/// A batch of four, however long their writes take.
const FOUR: &str = "BatchSize: 4, MaximumBatchingWindowInSeconds: 60";

/// Writes an item that holds a command for the puppet.
pub(crate) async fn put(stack: &Running, id: &str, n: u32, command: &Value) {
    let table = &stack.stack.resource_ids.tables["Things"];
    let request = stack.dynamodb.put_item().table_name(table);
    let request = request.item("id", AttributeValue::S(id.to_owned()));
    let request = request.item("n", AttributeValue::N(n.to_string()));
    request.item("puppet", AttributeValue::S(command.to_string())).send().await.unwrap();
}

/// The records of each invocation so far: `a1`.
fn batches(stack: &Running) -> Vec<Vec<String>> {
    let name = |record: &Value| {
        let keys = &record["dynamodb"]["Keys"];
        format!("{}{}", keys["id"]["S"].as_str().unwrap(), keys["n"]["N"].as_str().unwrap())
    };
    let names = |seen: Value| seen["event"]["Records"].as_array().unwrap().iter().map(name).collect();
    stack.recorded().into_iter().filter(|seen| seen["event"]["Records"].is_array()).map(names).collect()
}

pub(crate) async fn until_last(stack: &Running, last: &str) -> Vec<Vec<String>> {
    let came = |stack: &Running| {
        let batches = batches(stack);
        batches.last()?.iter().any(|name| name == last).then_some(batches)
    };
    stack.eventually("the last one comes", came).await
}

fn given_up(stack: &Running) -> usize {
    let lines = stack.lines_of("stack");
    lines.iter().filter(|line| line["message"].as_str().unwrap().contains("discarded")).count()
}

#[tokio::test]
async fn with_ddb_functions_get_records_with_both_images() {
    let stack = Running::start(&template("BatchSize: 1"), &["--region", "eu-west-1"]).await;
    put(&stack, "a", 1, &json!({"was": 1})).await;
    put(&stack, "a", 1, &json!({"is": 2})).await;
    let seen = stack.eventually("both come", |stack| stack.recorded().into_iter().nth(1)).await;
    let record = &seen["event"]["Records"][0];
    assert_eq!(record["eventName"], "MODIFY");
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert_eq!(record["awsRegion"], "eu-west-1");
    assert_eq!(record["eventSourceARN"], stack.stack.resource_ids.streams["Things"]);
    let change = &record["dynamodb"];
    assert_eq!(change["Keys"], json!({"id": {"S": "a"}, "n": {"N": "1"}}));
    assert_eq!(change["OldImage"]["puppet"]["S"], r#"{"was":1}"#);
    assert_eq!(change["NewImage"]["puppet"]["S"], r#"{"is":2}"#);
    assert_eq!(change["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert!(change["SequenceNumber"].is_string());
    stack.stop().await;
}

#[tokio::test]
async fn names_of_tables_streams_and_shards_are_those_of_the_region() {
    let stack = Running::start(&template("BatchSize: 1"), &["--region", "eu-west-1"]).await;
    let table = stack.dynamodb.describe_table().table_name("Things").send().await.unwrap().table.unwrap();
    let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/Things";
    assert_eq!(table.table_arn(), Some(arn));
    let stream = table.latest_stream_arn().unwrap();
    assert!(stream.starts_with(&format!("{arn}/stream/")), "{stream}");

    let streams = embedded_dynamodb::streams_client(&stack.stack.addresses.dynamodb, "eu-west-1");
    let listed = streams.list_streams().table_name("Things").send().await.unwrap();
    assert_eq!(listed.streams()[0].stream_arn(), Some(stream));
    let described = streams.describe_stream().stream_arn(stream).send().await.unwrap();
    let shard = described.stream_description().unwrap().shards()[0].shard_id().unwrap().to_owned();
    assert!(shard.len() >= 28, "boto3 takes no shorter one than 28 characters: {shard}");
    put(&stack, "a", 1, &json!({})).await;
    let iterator = streams.get_shard_iterator().stream_arn(stream).shard_id(shard);
    let iterator =
        iterator.shard_iterator_type("TRIM_HORIZON".into()).send().await.unwrap().shard_iterator.unwrap();
    let records = streams.get_records().shard_iterator(iterator).send().await.unwrap();
    assert_eq!(records.records()[0].aws_region(), Some("eu-west-1"));
    stack.stop().await;
}

#[tokio::test]
async fn services_ddb_params_batch_size_and_window() {
    let stack = Running::start(&template("BatchSize: 4, MaximumBatchingWindowInSeconds: 2"), &[]).await;
    for n in 0..6 {
        put(&stack, "a", n, &json!({})).await;
    }
    assert_eq!(until_last(&stack, "a5").await, [vec!["a0", "a1", "a2", "a3"], vec!["a4", "a5"]]);
    // A full batch does not wait for the window; the rest does.
    let starts: Vec<_> = stack.recorded().iter().map(|seen| seen["deadline_ms"].as_u64().unwrap()).collect();
    assert!(starts[1] >= starts[0] + 1990, "{starts:?}");
    stack.stop().await;
}

#[tokio::test]
async fn services_ddb_params_latest_starts_with_what_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let data = ["--data", folder.path().to_str().unwrap()];
    let latest = with_properties("      Timeout: 20", "StartingPosition: LATEST");
    let stack = Running::start(&latest, &data).await;
    put(&stack, "before", 1, &json!({})).await;
    assert_eq!(until_last(&stack, "before1").await, [["before1"]]);
    stack.stop().await;
    let stack = Running::start(&latest, &data).await;
    put(&stack, "after", 1, &json!({})).await;
    assert_eq!(until_last(&stack, "after1").await, [["after1"]]);
    stack.stop().await;
    let stack = Running::start(&template("BatchSize: 1"), &data).await;
    assert_eq!(until_last(&stack, "after1").await, [["before1"], ["after1"]], "from the trim horizon");
    stack.stop().await;
}

#[tokio::test]
async fn services_dynamodb_errors_retries_keep_the_order_and_end_at_the_destination() {
    let source = format!("BatchSize: 1, MaximumRetryAttempts: 1, {GIVE_UP}");
    let stack = Running::start(&template(&source), &[]).await;
    put(&stack, "a", 1, &json!({})).await;
    put(&stack, "a", 2, &json!({"error": "no"})).await;
    put(&stack, "a", 3, &json!({})).await;
    assert_eq!(until_last(&stack, "a3").await, [["a1"], ["a2"], ["a2"], ["a3"]]);
    let mut message = stack.take_bodies("Lost", 1).await.remove(0);
    let failed = stack.recorded()[1]["event"]["Records"][0]["dynamodb"]["SequenceNumber"].clone();
    for varying in ["/requestContext/requestId", "/timestamp", "/DDBStreamBatchInfo/shardId"] {
        assert!(message.pointer_mut(varying).unwrap().take().is_string(), "{varying}");
    }
    for arrival in ["approximateArrivalOfFirstRecord", "approximateArrivalOfLastRecord"] {
        let arrival = message["DDBStreamBatchInfo"][arrival].take();
        assert!(arrival.as_str().unwrap().ends_with('Z'), "{arrival}");
    }
    let expected = json!({
        "requestContext": {
            "requestId": null,
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:puppet",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": null,
        "DDBStreamBatchInfo": {
            "shardId": null,
            "startSequenceNumber": failed,
            "endSequenceNumber": failed,
            "approximateArrivalOfFirstRecord": null,
            "approximateArrivalOfLastRecord": null,
            "batchSize": 1,
            "streamArn": stack.stack.resource_ids.streams["Things"],
        },
    });
    assert_eq!(message, expected);
    stack.stop().await;
}

#[tokio::test]
async fn services_dynamodb_errors_bisect_finds_the_bad_record() {
    let source = format!("{FOUR}, MaximumRetryAttempts: 0, BisectBatchOnFunctionError: true, {GIVE_UP}");
    let stack = Running::start(&template(&source), &[]).await;
    for n in 1..=4 {
        put(&stack, "a", n, &if n == 3 { json!({"panic": "no"}) } else { json!({}) }).await;
    }
    let message = stack.take_bodies("Lost", 1).await.remove(0);
    assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 1);
    let expected: [&[&str]; 5] = [&["a1", "a2", "a3", "a4"], &["a1", "a2"], &["a3", "a4"], &["a3"], &["a4"]];
    assert_eq!(until_all(&stack, 5).await, expected);
    stack.stop().await;
}

async fn until_all(stack: &Running, count: usize) -> Vec<Vec<String>> {
    let all = |stack: &Running| Some(batches(stack)).filter(|batches| batches.len() >= count);
    stack.eventually("all come", all).await
}

#[tokio::test]
async fn services_ddb_batchfailurereporting_the_lowest_failure_is_the_checkpoint() {
    for bisect in ["true", "false"] {
        let source = format!(
            "{FOUR}, MaximumRetryAttempts: 0, BisectBatchOnFunctionError: {bisect}, {PARTIAL}, {GIVE_UP}"
        );
        let stack = Running::start(&template(&source), &[]).await;
        for n in 1..=4 {
            put(&stack, "a", n, &if n == 1 { json!({}) } else { json!({"fail": true}) }).await;
        }
        let expected: [&[&str]; 2] = [&["a1", "a2", "a3", "a4"], &["a2", "a3", "a4"]];
        let message = stack.take_bodies("Lost", 1).await.remove(0);
        assert_eq!(batches(&stack), expected, "bisect: {bisect}");
        assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 3);
        stack.stop().await;
    }
}

#[tokio::test]
async fn services_ddb_batchfailurereporting_success_and_failure_conditions() {
    let answers = [
        (json!({"batchItemFailures": []}), true),
        (json!({"batchItemFailures": null}), true),
        (json!({}), true),
        (json!(null), true),
        (json!({"batchItemFailures": [{"itemIdentifier": ""}]}), false),
        (json!({"batchItemFailures": [{"itemIdentifier": null}]}), false),
        (json!({"batchItemFailures": [{"itemIdentifer": "1"}]}), false),
    ];
    let source = format!("BatchSize: 1, MaximumRetryAttempts: 0, {PARTIAL}");
    let stack = Running::start(&template(&source), &[]).await;
    for (index, (answer, succeeds)) in answers.into_iter().enumerate() {
        let before = given_up(&stack);
        let n = u32::try_from(index).unwrap();
        put(&stack, "a", n, &json!({"answer": answer})).await;
        put(&stack, "then", n, &json!({})).await;
        until_last(&stack, &format!("then{n}")).await;
        assert_eq!(given_up(&stack) == before, succeeds, "{answer}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn services_ddb_params_parallelization_keeps_the_order_of_each_key() {
    let stack = Running::start(&template("BatchSize: 1, ParallelizationFactor: 10"), &[]).await;
    for n in 0..3 {
        for key in ["a", "b", "c", "d", "e", "f"] {
            put(&stack, key, n, &json!({"sleep_ms": 100})).await;
        }
    }
    let batches = until_all(&stack, 18).await.concat();
    for key in ["a", "b", "c", "d", "e", "f"] {
        let of_key: Vec<_> = batches.iter().filter(|name| name.starts_with(key)).collect();
        assert_eq!(of_key, [0, 1, 2].map(|n| format!("{key}{n}")).iter().collect::<Vec<_>>());
    }
    let processes: HashSet<_> = stack.recorded().iter().map(|seen| seen["process_id"].as_u64()).collect();
    assert!(processes.len() > 1, "different keys run beside each other");
    stack.stop().await;
}

#[tokio::test]
async fn services_ddb_params_without_parallelization_a_shard_has_one_batch_at_a_time() {
    let stack = Running::start(&template("BatchSize: 1"), &[]).await;
    for key in ["a", "b", "c", "d"] {
        put(&stack, key, 0, &json!({"sleep_ms": 50})).await;
    }
    assert_eq!(until_all(&stack, 4).await, [["a0"], ["b0"], ["c0"], ["d0"]]);
    let processes: HashSet<_> = stack.recorded().iter().map(|seen| seen["process_id"].as_u64()).collect();
    assert_eq!(processes.len(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn services_dynamodb_errors_throttles_do_not_count_as_retries() {
    let one = "      Timeout: 20\n      ReservedConcurrentExecutions: 1";
    let source = "StartingPosition: TRIM_HORIZON, BatchSize: 1, MaximumRetryAttempts: 0";
    let stack = Running::start(&with_properties(one, source), &[]).await;
    let busy = json!({"puppet": {"sleep_ms": 700}});
    let (answer, ()) = tokio::join!(stack.invoke(&busy), async {
        stack.eventually("it is busy", |stack| stack.recorded().pop()).await;
        put(&stack, "a", 1, &json!({})).await;
    });
    assert_eq!(answer.status, 200);
    assert_eq!(until_all(&stack, 1).await, [["a1"]]);
    let throttled = |line: &Value| line["result"] == "throttled";
    assert!(stack.lines_of("invocation").iter().any(throttled));
    assert_eq!(given_up(&stack), 0);
    stack.stop().await;
}

#[tokio::test]
async fn errors_of_stream_sources_name_their_line() {
    for (source, expected) in [
        (
            "StartingPosition: LATEST, TumblingWindowInSeconds: 5",
            "13: TumblingWindowInSeconds of a DynamoDB event is not supported",
        ),
        (
            "StartingPosition: LATEST, DestinationConfig: {OnFailure: {Destination: !GetAtt Things.Arn}}",
            "13: Things is not a queue of this template",
        ),
        (
            "StartingPosition: LATEST, FilterCriteria: {Filters: [{Pattern: '{\"a\":[{\"cidr\":\"10.0.0.0/8\"}]}'}]}",
            "13: the operator cidr is not supported",
        ),
    ] {
        let template = with_properties("      Timeout: 20", source);
        let error = Running::refused(&template).await;
        assert!(error.contains(expected), "{error}");
    }
}
