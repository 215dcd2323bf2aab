//! Each fault is injected where and as often as its rule says.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use local_lambda::sqs_server;
use serde_json::{Value, json};

use crate::harness::{Running, puppet};

const RECORDED: &str = "      Timeout: 5\n      Environment: {Variables: {RECORD: $RECORD}}";
const RESOURCES: &str = "  Letters: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 1}}\n  Rows:\n    \
    Type: AWS::DynamoDB::Table\n    Properties:\n      AttributeDefinitions: \
    [{AttributeName: id, AttributeType: S}]\n      KeySchema: [{AttributeName: id, KeyType: HASH}]";

/// A stack, and clients that call as an environment of the puppet does: through the proxies, with its access key id.
struct Called {
    stack: Running,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Called {
    async fn start() -> Self {
        let stack = Running::start(&puppet(RECORDED, RESOURCES), &[]).await;
        stack.invoke(&json!({})).await;
        let seen = stack.recorded().remove(0);
        let variable = |name: &str| seen["environment"][name].as_str().unwrap().to_owned();
        let (dynamodb, sqs) = (variable("AWS_ENDPOINT_URL_DYNAMODB"), variable("AWS_ENDPOINT_URL_SQS"));
        let key = variable("AWS_ACCESS_KEY_ID");
        let dynamodb = embedded_dynamodb::client(&dynamodb, "us-east-1", &key);
        let sqs = sqs_server::client(&sqs, "us-east-1", &key);
        Self { stack, dynamodb, sqs }
    }

    /// Sets one rule.
    async fn rule(&self, rule: Value) {
        let answer = self.stack.set_faults(&json!({"seed": 7, "rules": [rule]})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// How often the rule matched and how often it injected its fault.
    async fn counters(&self) -> (u64, u64) {
        let rules = self.stack.control("/_local/faults").await.json();
        let rule = &rules["rules"][0];
        (rule["met"].as_u64().unwrap(), rule["struck"].as_u64().unwrap())
    }

    /// One put without retries; the error's name if it fails.
    async fn put(&self, id: &str) -> Result<(), String> {
        let once = aws_sdk_dynamodb::config::retry::RetryConfig::disabled();
        let put = self.dynamodb.put_item().table_name("Rows").item("id", AttributeValue::S(id.to_owned()));
        let put = put.customize().config_override(aws_sdk_dynamodb::Config::builder().retry_config(once));
        put.send().await.map(|_| ()).map_err(|error| format!("{error:?}"))
    }

    async fn exists(&self, id: &str) -> bool {
        let get =
            self.stack.dynamodb.get_item().table_name("Rows").key("id", AttributeValue::S(id.to_owned()));
        get.send().await.unwrap().item.is_some()
    }
}

#[tokio::test]
async fn a_fault_is_injected_at_its_rate_and_into_the_same_calls_with_the_same_seed() {
    let called = Called::start().await;
    let strikes = async || {
        called.rule(json!({"fault": {"error": {"name": "ThrottlingException"}}, "operation": "PutItem", "rate": 0.25})).await;
        let mut failed = Vec::new();
        for number in 0..200 {
            if let Err(error) = called.put(&number.to_string()).await {
                assert!(error.contains("ThrottlingException"), "{error}");
                failed.push(number);
            }
        }
        assert_eq!(called.counters().await, (200, failed.len() as u64));
        failed
    };
    let first = strikes().await;
    // Four standard deviations: 50 of 200, give or take 25.
    assert!((25..=75).contains(&first.len()), "{}", first.len());
    assert_eq!(strikes().await, first);
    called.stack.stop().await;
}

#[tokio::test]
async fn a_fault_ends_after_its_times_and_applies_only_to_the_named_caller() {
    let called = Called::start().await;
    called.rule(json!({"fault": {"error": {"name": "InternalServerError"}}, "caller": "puppet", "service": "dynamodb", "times": 2})).await;
    assert!(called.put("1").await.is_err() && called.put("2").await.is_err());
    assert!(called.put("3").await.is_ok());
    called
        .rule(json!({"fault": {"error": {"name": "InternalServerError"}}, "caller": "somebody-else"}))
        .await;
    assert!(called.put("4").await.is_ok());
    assert_eq!(called.counters().await, (0, 0));
    let refused = called.stack.set_faults(&json!({"rules": [{"fault": "explode"}]})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.json()["message"].as_str().unwrap().contains("no fault was changed"), "{refused:?}");
    called.stack.stop().await;
}

#[tokio::test]
async fn a_delay_makes_the_call_longer() {
    let called = Called::start().await;
    called.rule(json!({"fault": {"delay": {"ms": 300}}})).await;
    let start = Instant::now();
    called.put("1").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    called.stack.stop().await;
}

#[tokio::test]
async fn a_cut_before_loses_the_call_and_a_cut_after_only_its_response() {
    let called = Called::start().await;
    called.rule(json!({"fault": "cut-before"})).await;
    assert!(called.put("before").await.is_err());
    assert!(!called.exists("before").await);
    called.rule(json!({"fault": "cut-after"})).await;
    assert!(called.put("after").await.is_err());
    assert!(called.exists("after").await, "the write was applied");
    called.stack.stop().await;
}

#[tokio::test]
async fn a_kill_ends_the_calling_process_before_or_after_its_call() {
    for (fault, applied) in [("kill-before", false), ("kill-after", true)] {
        let called = Called::start().await;
        let process = called.stack.recorded()[0]["process_id"].clone();
        called.rule(json!({"fault": fault, "operation": "PutItem"})).await;
        assert!(called.put("1").await.is_err());
        assert_eq!(called.exists("1").await, applied, "{fault}");
        let gone = |_: &Running| (!std::fs::exists(format!("/proc/{process}")).unwrap()).then_some(());
        called.stack.eventually("it dies", gone).await;
        called.stack.stop().await;
    }
}

#[tokio::test]
async fn a_kill_at_the_response_ends_the_invocation_without_a_response() {
    let called = Called::start().await;
    called.rule(json!({"fault": "kill-response", "caller": "puppet", "times": 1})).await;
    let answer = called.stack.invoke(&json!({"a": 1})).await;
    assert_eq!(answer.header("x-amz-function-error"), "Unhandled");
    assert_eq!(answer.json()["errorType"], "Runtime.ExitError");
    assert_eq!(called.stack.recorded().len(), 2, "it has run");
    assert_eq!(
        called.stack.invoke(&json!({"a": 1})).await.json(),
        json!({"a": 1}),
        "the next one is answered"
    );
    called.stack.stop().await;
}

/// A transaction of two puts without retries; the codes of its cancellation if it is cancelled.
async fn transact(dynamodb: &aws_sdk_dynamodb::Client, ids: [&str; 2]) -> Result<(), Vec<String>> {
    use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
    let put = |id: &str| {
        let put =
            Put::builder().table_name("Rows").item("id", AttributeValue::S(id.to_owned())).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let once = aws_sdk_dynamodb::config::retry::RetryConfig::disabled();
    let items = ids.map(put).to_vec();
    let request = dynamodb.transact_write_items().set_transact_items(Some(items)).customize();
    let request = request.config_override(aws_sdk_dynamodb::Config::builder().retry_config(once));
    request.send().await.map(|_| ()).map_err(|error| {
        let error = error.into_service_error();
        let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
            cancelled,
        ) = error
        else {
            panic!("{error:?}")
        };
        cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap().to_owned()).collect()
    })
}

#[tokio::test]
async fn conflicts_are_those_of_dynamodb() {
    let called = Called::start().await;
    called.rule(json!({"fault": "conflict", "times": 1})).await;
    let codes = transact(&called.dynamodb, ["1", "2"]).await.unwrap_err();
    assert_eq!(codes, ["TransactionConflict", "TransactionConflict"]);
    assert!(!called.exists("1").await);
    assert_eq!(transact(&called.dynamodb, ["1", "2"]).await, Ok(()));
    called.stack.stop().await;
}

#[tokio::test]
async fn overlapping_transactions_conflict_and_others_do_not() {
    let called = Called::start().await;
    // The delay keeps each transaction running for a while: it follows the check for overlaps.
    let plan = json!({"rules": [{"fault": "overlap"}]});
    called.stack.set_faults(&plan).await;
    for number in 0..20 {
        assert_eq!(
            transact(&called.dynamodb, [&format!("a{number}"), "same"]).await,
            Ok(()),
            "one after the other"
        );
    }
    let ids: Vec<_> = (0..50).map(|number| format!("b{number}")).collect();
    let apart = join_all(ids.chunks(2).map(|pair| transact(&called.dynamodb, [&pair[0], &pair[1]]))).await;
    assert!(apart.iter().all(Result::is_ok), "apart: {apart:?}");
    let together = join_all(ids.iter().map(|id| transact(&called.dynamodb, [id, "same"]))).await;
    let conflicts: Vec<_> = together.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(!conflicts.is_empty(), "together");
    assert!(conflicts.iter().all(|codes| **codes == ["None", "TransactionConflict"]), "{conflicts:?}");
    assert_eq!(transact(&called.dynamodb, ["c", "same"]).await, Ok(()), "no transaction is left");
    called.stack.stop().await;
}

#[tokio::test]
async fn messages_are_duplicated_delayed_or_received_again() {
    let called = Called::start().await;
    let url = called.stack.stack.resource_ids.queue_urls["Letters"].clone();
    let sqs = called.sqs.clone();
    let send = async |body: &str| sqs.send_message().queue_url(&url).message_body(body).send().await.unwrap();
    let receive = async || {
        let request = sqs.receive_message().queue_url(&url).max_number_of_messages(10).wait_time_seconds(0);
        request.send().await.unwrap().messages.unwrap_or_default()
    };
    called.rule(json!({"fault": "duplicate"})).await;
    send("twice").await;
    let twice = receive().await;
    assert_eq!(twice.iter().map(|message| message.body().unwrap()).collect::<Vec<_>>(), ["twice", "twice"]);

    called.rule(json!({"fault": "lose-delete"})).await;
    for message in &twice {
        let delete = sqs.delete_message().queue_url(&url).receipt_handle(message.receipt_handle().unwrap());
        delete.send().await.unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut again = Vec::new();
    while again.len() < 2 {
        assert!(Instant::now() < deadline, "what was not deleted comes again: {again:?}");
        again.extend(receive().await);
    }
    called.rule(json!({"fault": {"postpone": {"seconds": 900}}, "times": 0})).await;
    for message in &again {
        let delete = sqs.delete_message().queue_url(&url).receipt_handle(message.receipt_handle().unwrap());
        delete.send().await.unwrap();
    }
    called.rule(json!({"fault": {"postpone": {"seconds": 900}}})).await;
    for number in 0..20 {
        send(&number.to_string()).await;
    }
    let status = called.stack.control("/_local/functions").await.json();
    let letters = &status["queues"]["Letters"];
    assert!(letters["delayed"].as_u64().unwrap() >= 15, "{letters}");
    called.stack.stop().await;
}
