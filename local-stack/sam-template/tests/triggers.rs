//! The properties of triggers that AWS rejects are errors with their lines.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

use std::{path::Path, time::Duration};

use sam_template::{EventSource, Function, Settings, Template, TemplateError};

const FUNCTION: &str = "Resources:
  Hello:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: hello}}
    Properties:
";
const OTHERS: &str = "
  Jobs: {Type: AWS::SQS::Queue}
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
";

/// The function, or the line and the message of the first problem.
fn read(properties: &str) -> Result<Function, String> {
    let text = format!("{FUNCTION}      {properties}{OTHERS}");
    match Template::parse(&text, Path::new("template.yaml"), &Settings::default()) {
        Ok(mut template) => Ok(template.functions.remove(0)),
        Err(TemplateError::Problems { problems, .. }) => {
            Err(format!("{}: {}", problems[0].at.line, problems[0].message))
        }
        Err(error) => panic!("{error}"),
    }
}

fn event(kind: &str, properties: &str) -> Result<EventSource, String> {
    let place = if kind == "SQS" { "Queue: !GetAtt Jobs.Arn" } else { "Stream: !GetAtt Things.StreamArn" };
    let event = format!("Events: {{E: {{Type: {kind}, Properties: {{{place}{properties}}}}}}}");
    Ok(read(&event)?.events.remove(0))
}

#[test]
fn services_sqs_configure_bounds() {
    for (properties, expected) in [
        ("BatchSize: 0", "BatchSize must be 1 to 10000, not 0"),
        ("BatchSize: 10001", "BatchSize must be 1 to 10000, not 10001"),
        ("BatchSize: 11", "a BatchSize over 10 needs a MaximumBatchingWindowInSeconds of at least 1"),
        ("MaximumBatchingWindowInSeconds: 301", "MaximumBatchingWindowInSeconds must be 0 to 300, not 301"),
        ("ScalingConfig: {MaximumConcurrency: 1}", "MaximumConcurrency must be 2 to 1000, not 1"),
        ("ScalingConfig: {MaximumConcurrency: 1001}", "MaximumConcurrency must be 2 to 1000, not 1001"),
        ("FunctionResponseTypes: [Report]", "Report is not a response type: ReportBatchItemFailures is"),
    ] {
        let error = event("SQS", &format!(", {properties}")).unwrap_err();
        assert_eq!(error, format!("6: {expected}"));
    }
    let Ok(EventSource::Sqs(large)) = event("SQS", ", BatchSize: 10000, MaximumBatchingWindowInSeconds: 1")
    else {
        panic!()
    };
    assert_eq!((large.batch_size, large.window), (10_000, Duration::from_secs(1)));
    let Ok(EventSource::Sqs(usual)) = event("SQS", "") else { panic!() };
    assert_eq!((usual.batch_size, usual.window, usual.maximum_concurrency), (10, Duration::ZERO, None));
}

#[test]
fn invocation_eventfiltering_at_most_ten_filters() {
    let filters = |count: usize| {
        let filters = vec!["{Pattern: '{}'}"; count].join(", ");
        event("SQS", &format!(", FilterCriteria: {{Filters: [{filters}]}}"))
    };
    assert!(filters(10).is_ok());
    assert_eq!(filters(11).unwrap_err(), "6: an event source has at most 10 filters");
}

#[test]
fn services_ddb_params_bounds() {
    for (properties, expected) in [
        ("", "StartingPosition is missing here"),
        (", StartingPosition: AT_TIMESTAMP", "AT_TIMESTAMP is not supported: use TRIM_HORIZON or LATEST"),
        (
            ", StartingPosition: LATEST, ParallelizationFactor: 11",
            "ParallelizationFactor must be 1 to 10, not 11",
        ),
        (
            ", StartingPosition: LATEST, MaximumRetryAttempts: 10001",
            "MaximumRetryAttempts must be 0 to 10000, not 10001",
        ),
        (
            ", StartingPosition: LATEST, MaximumRecordAgeInSeconds: 59",
            "MaximumRecordAgeInSeconds must be 60 to 604800, not 59",
        ),
        (
            ", StartingPosition: LATEST, TumblingWindowInSeconds: 10",
            "TumblingWindowInSeconds of a DynamoDB event is not supported: there are no tumbling windows here; leave it out",
        ),
        (
            ", StartingPosition: LATEST, DestinationConfig: {OnFailure: {Type: SNS, Destination: x}}",
            "SNS destinations are not supported: SQS is",
        ),
    ] {
        assert_eq!(event("DynamoDB", properties).unwrap_err(), format!("6: {expected}"));
    }
    let endless = ", StartingPosition: LATEST, MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1";
    let Ok(EventSource::Stream(endless)) = event("DynamoDB", endless) else { panic!() };
    assert_eq!((endless.maximum_retries, endless.maximum_age), (None, None));
    assert_eq!((endless.batch_size, endless.parallelization_factor), (100, 1));
}

#[test]
fn invocation_async_configuring_bounds_and_defaults() {
    for (properties, expected) in [
        ("MaximumRetryAttempts: 3", "MaximumRetryAttempts must be 0 to 2, not 3"),
        ("MaximumEventAgeInSeconds: 59", "MaximumEventAgeInSeconds must be 60 to 21600, not 59"),
        ("DestinationConfig: {OnFailure: {Type: SQS}}", "Destination is missing here"),
    ] {
        let error = read(&format!("EventInvokeConfig: {{{properties}}}")).unwrap_err();
        assert_eq!(error, format!("6: {expected}"));
    }
    let usual = read("Timeout: 3").unwrap().event_invoke;
    assert_eq!((usual.maximum_retries, usual.maximum_age), (2, Duration::from_secs(6 * 60 * 60)));
    let own = "{MaximumRetryAttempts: 1, DestinationConfig: {OnSuccess: {Destination: !GetAtt Jobs.Arn}}}";
    let dead = "DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Jobs.Arn}";
    let config = read(&format!("EventInvokeConfig: {own}\n      {dead}")).unwrap().event_invoke;
    assert_eq!((config.maximum_retries, config.on_failure), (1, None));
    assert_eq!(config.on_success.unwrap().queue, "Jobs");
    assert_eq!(config.dead_letter_queue.unwrap().at.line, 7);
}

#[test]
fn api_set_queue_attributes_bounds() {
    for (properties, expected) in [
        ("VisibilityTimeout: 43201", "VisibilityTimeout must be 0 to 43200, not 43201"),
        ("MessageRetentionPeriod: 59", "MessageRetentionPeriod must be 60 to 1209600, not 59"),
        ("DelaySeconds: 901", "DelaySeconds must be 0 to 900, not 901"),
        ("ReceiveMessageWaitTimeSeconds: 21", "ReceiveMessageWaitTimeSeconds must be 0 to 20, not 21"),
        (
            "RedrivePolicy: {deadLetterTargetArn: !GetAtt Jobs.Arn, maxReceiveCount: 0}",
            "maxReceiveCount must be 1 to 1000, not 0",
        ),
    ] {
        let queue = format!("Timeout: 3\n  Other: {{Type: AWS::SQS::Queue, Properties: {{{properties}}}}}");
        assert_eq!(read(&queue).unwrap_err(), format!("7: {expected}"));
    }
}
