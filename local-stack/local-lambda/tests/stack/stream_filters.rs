//! Filter patterns on real records of a stream: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html>

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    harness::Running,
    streams::{put, template, until_last},
};

/// The items of a few that match a pattern.
async fn passing(pattern: &str) -> Vec<String> {
    let end = r#"{"dynamodb":{"Keys":{"id":{"S":["end"]}}}}"#;
    let filters = format!(
        "BatchSize: 1, FilterCriteria: {{Filters: [{{Pattern: '{pattern}'}}, {{Pattern: '{end}'}}]}}"
    );
    let stack = Running::start(&template(&filters), &[]).await;
    put(&stack, "apple", 1, &json!({})).await;
    put(&stack, "Apricot", 2, &json!({})).await;
    let table = &stack.stack.resource_ids.tables["Things"];
    let request = stack.dynamodb.delete_item().table_name(table);
    let request = request.key("id", AttributeValue::S("apple".to_owned()));
    request.key("n", AttributeValue::N("1".to_owned())).send().await.unwrap();
    put(&stack, "end", 3, &json!({})).await;
    let seen = until_last(&stack, "end3").await.concat();
    let events: Vec<_> =
        stack.recorded().iter().map(|seen| seen["event"]["Records"][0]["eventName"].clone()).collect();
    stack.stop().await;
    let named = seen.iter().zip(events).map(|(name, event)| format!("{} {name}", event.as_str().unwrap()));
    named.filter(|name| !name.ends_with("end3")).collect()
}

#[tokio::test]
async fn with_ddb_filtering_patterns_on_real_records() {
    let key = |rule: &str| format!(r#"{{"dynamodb":{{"Keys":{{"id":{{"S":[{rule}]}}}}}}}}"#);
    let image = |rule: &str| format!(r#"{{"dynamodb":{{"NewImage":{{"n":{{"N":[{rule}]}}}}}}}}"#);
    let (made, other, gone) = ("INSERT apple1", "INSERT Apricot2", "REMOVE apple1");
    let cases = [
        (r#"{"eventName":["INSERT"]}"#.to_owned(), vec![made, other]),
        (key(r#"{"prefix":"ap"}"#), vec![made, gone]),
        (key(r#"{"suffix":"cot"}"#), vec![other]),
        (key(r#"{"equals-ignore-case":"APRICOT"}"#), vec![other]),
        (key(r#"{"anything-but":["apple","end"]}"#), vec![other]),
        (image(r#"{"exists":true}"#), vec![made, other]),
        (image(r#"{"exists":false}"#), vec![gone]),
        (image(r#""2""#), vec![other]),
        // Numbers of items are strings.
        (image(r#"{"numeric":[">",1]}"#), vec![]),
        (r#"{"dynamodb":{"SizeBytes":[{"numeric":[">",0]}]},"eventName":["REMOVE"]}"#.to_owned(), vec![gone]),
        (
            r#"{"$or":[{"eventName":["REMOVE"]},{"dynamodb":{"Keys":{"n":{"N":["2"]}}}}]}"#.to_owned(),
            vec![other, gone],
        ),
    ];
    for some in cases.chunks(4) {
        let checks = some.iter().map(|(pattern, expected)| async move {
            assert_eq!(passing(pattern).await, *expected, "{pattern}");
        });
        tokio::time::timeout(Duration::from_secs(20), join_all(checks)).await.unwrap();
    }
}
