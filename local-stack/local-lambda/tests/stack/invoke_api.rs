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
        let body = answer.json();
        assert!(!body["message"].as_str().unwrap().is_empty());
        // What cargo-lambda reads.
        assert_eq!((&body["errorType"], &body["errorMessage"]), (&json!(kind), &body["message"]));
    }
    let nobody = stack.invoke_function("no%20body", &json!({})).await.json();
    let text = "Function not found: arn:aws:lambda:us-east-1:000000000000:function:no body. The template has: puppet";
    assert_eq!(nobody["errorMessage"], text);
    assert!(stack.recorded().is_empty(), "nothing has run");
    stack.stop().await;
}

const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:puppet";

#[tokio::test]
async fn api_invoke_a_function_has_three_names_and_the_qualifiers_that_exist() {
    let stack = Running::start(&puppet("      AutoPublishAlias: live", ""), &[]).await;
    for name in [
        "Puppet",
        "puppet",
        "puppet:$LATEST",
        "puppet:live",
        "000000000000:function:puppet",
        "000000000000:function:puppet:live",
        ARN,
        "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Apuppet%3Alive",
    ] {
        assert_eq!(stack.invoke_function(name, &json!({})).await.status, 200, "{name}");
    }
    let qualified = async |name: &str, qualifier: &str| {
        let uri = format!(
            "{}/2015-03-31/functions/{name}/invocations?Qualifier={qualifier}",
            stack.stack.addresses.invoke
        );
        stack.try_send(http::Request::post(uri), "{}").await.unwrap()
    };
    for (name, qualifier, status) in [
        ("puppet", "live", 200),
        ("puppet", "%24LATEST", 200),
        ("puppet:live", "live", 200),
        ("puppet:live", "$LATEST", 400),
        ("puppet", "prod", 404),
        ("puppet", "1", 404),
    ] {
        assert_eq!(qualified(name, qualifier).await.status, status, "{name} {qualifier}");
    }
    let missing = qualified("puppet", "prod").await.json();
    let text = format!("Function not found: {ARN}:prod. The function has: $LATEST, live");
    assert_eq!(missing["message"], text);
    for name in [
        "puppet:prod",
        "999999999999:function:puppet",
        "arn:aws:lambda:eu-west-1:000000000000:function:puppet",
    ] {
        assert_eq!(stack.invoke_function(name, &json!({})).await.status, 404, "{name}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn gettingstarted_limits_an_event_has_at_most_1_mb_when_nobody_waits_for_it() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let event = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
    let headers = [("x-amz-invocation-type", "Event")];
    let megabyte = 1024 * 1024;
    assert_eq!(stack.invoke_with(&headers, "puppet", &event(megabyte)).await.status, 202);
    let refused = stack.invoke_with(&headers, "puppet", &event(megabyte + 1)).await;
    assert_eq!((refused.status, refused.header("x-amzn-errortype")), (413, "RequestTooLargeException"));
    let text = "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)";
    assert_eq!(refused.json()["message"], text);
    assert_eq!(stack.invoke_with(&[], "puppet", &event(megabyte + 1)).await.status, 200, "the caller waits");
    stack.stop().await;
}

#[tokio::test]
async fn api_invoke_the_client_context_reaches_the_function() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let client = json!({
        "installation_id": "1", "app_title": "caf\u{e9} \u{1f600}", "app_version_name": "", "app_version_code": "",
        "app_package_name": "",
    });
    let context = json!({"client": client, "custom": {"a": "b"}});
    let encoded = STANDARD.encode(context.to_string());
    let answer = stack.invoke_with(&[("x-amz-client-context", &encoded)], "puppet", "{}").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = stack.recorded()[0]["client_context"].clone();
    assert_eq!(
        (&seen["client"]["appTitle"], &seen["custom"]["a"]),
        (&json!("caf\u{e9} \u{1f600}"), &json!("b"))
    );
    for bad in ["%", &STANDARD.encode("no JSON"), &STANDARD.encode("[]")] {
        let answer = stack.invoke_with(&[("x-amz-client-context", bad)], "puppet", "{}").await;
        assert_eq!(
            (answer.status, answer.header("x-amzn-errortype")),
            (400, "InvalidRequestContentException"),
            "{bad}"
        );
    }
    stack.stop().await;
}

const DESCRIBED: &str = "      AutoPublishAlias: live\n      Timeout: 7\n      ReservedConcurrentExecutions: 3\n      \
                         Environment: {Variables: {COLOUR: blue}}\n      Events:\n        \
                         Web: {Type: HttpApi}\n        \
                         Letters: {Type: SQS, Properties: {Queue: !GetAtt Letters.Arn, BatchSize: 5, \
                         FunctionResponseTypes: [ReportBatchItemFailures]}}\n        \
                         Rows: {Type: DynamoDB, Properties: {Stream: !GetAtt Rows.StreamArn, StartingPosition: LATEST}}";
const SOURCES: &str = "  Letters: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60}}\n  Rows:\n    \
                       Type: AWS::DynamoDB::Table\n    Properties:\n      \
                       AttributeDefinitions: [{AttributeName: id, AttributeType: S}]\n      \
                       KeySchema: [{AttributeName: id, KeyType: HASH}]\n      StreamSpecification: {StreamViewType: KEYS_ONLY}";

#[tokio::test]
async fn api_list_functions_and_its_relatives_describe_what_the_template_declares() {
    let stack = Running::start(&puppet(DESCRIBED, SOURCES), &[]).await;
    let configuration = json!({
        "FunctionName": "puppet", "FunctionArn": ARN, "Runtime": "provided.al2023", "PackageType": "Zip",
        "Architectures": ["x86_64"], "Timeout": 7, "MemorySize": 128, "Environment": {"Variables": {"COLOUR": "blue"}},
        "Version": "$LATEST", "State": "Active", "LastUpdateStatus": "Successful",
    });
    for path in ["/2015-03-31/functions/", "/2015-03-31/functions"] {
        assert_eq!(stack.lambda(path).await.json(), json!({"Functions": [configuration]}));
    }
    let function = "/2015-03-31/functions/puppet";
    let expected =
        json!({"Configuration": configuration, "Concurrency": {"ReservedConcurrentExecutions": 3}});
    assert_eq!(stack.lambda(function).await.json(), expected);
    assert_eq!(stack.lambda(&format!("{function}/configuration")).await.json(), configuration);
    let alias = stack.lambda(&format!("{function}/configuration?Qualifier=live")).await.json();
    assert_eq!(alias["FunctionArn"], format!("{ARN}:live"));
    let aliases = stack.lambda(&format!("{function}/aliases")).await.json();
    let live = json!({"Name": "live", "AliasArn": format!("{ARN}:live"), "FunctionVersion": "$LATEST"});
    assert_eq!(aliases, json!({"Aliases": [live]}));

    let mappings = stack.lambda("/2015-03-31/event-source-mappings/?FunctionName=puppet").await.json();
    let [queue, stream] = mappings["EventSourceMappings"].as_array().unwrap().as_slice() else {
        panic!("{mappings}")
    };
    let queue_arn = "arn:aws:sqs:us-east-1:000000000000:Letters";
    for (member, value) in [
        ("EventSourceArn", json!(queue_arn)),
        ("FunctionArn", json!(ARN)),
        ("State", json!("Enabled")),
        ("BatchSize", json!(5)),
        ("FunctionResponseTypes", json!(["ReportBatchItemFailures"])),
    ] {
        assert_eq!(queue[member], value, "{member} of {queue}");
    }
    assert_eq!(
        (&stream["StartingPosition"], &stream["MaximumRetryAttempts"]),
        (&json!("LATEST"), &json!(-1))
    );
    assert_eq!(stream["EventSourceArn"], stack.stack.resource_ids.streams["Rows"]);
    let of_queue =
        stack.lambda(&format!("/2015-03-31/event-source-mappings/?EventSourceArn={queue_arn}")).await;
    assert_eq!(of_queue.json(), json!({"EventSourceMappings": [queue]}));

    for path in [
        "/2015-03-31/functions/nobody",
        "/2015-03-31/functions/puppet/configuration?Qualifier=1",
        "/elsewhere",
    ] {
        assert_eq!(stack.lambda(path).await.status, 404, "{path}");
    }
    stack.stop().await;
}
