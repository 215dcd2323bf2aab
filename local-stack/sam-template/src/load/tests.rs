//! Whole templates.

use super::*;
use crate::resources::event::EventSource;

const SMALL: &str = r#"
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
Globals:
  Function:
    Timeout: 7
    Environment: {Variables: {SHARED: "1", TABLE: !Ref Things}}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: hello}}
    Properties:
      MemorySize: 256
      Policies: [{Statement: [{Action: x, Resource: !ImportValue unknown}]}]
      Environment: {Variables: {QUEUE: !Ref Jobs}}
      Events:
        Get: {Type: HttpApi, Properties: {Path: "/hello/{name}", Method: get, ApiId: !Ref Api}}
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 5, FunctionResponseTypes: [ReportBatchItemFailures]}}
  Api: {Type: AWS::Serverless::HttpApi}
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 42
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
  Dead: {Type: AWS::SQS::Queue}
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {Anything: !Whatever goes}}
"#;

fn parse(text: &str, parameters: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings = Settings { parameters: given.collect(), ..Settings::default() };
    Template::parse(text, Path::new("template.yaml"), &settings)
}

#[test]
fn reads_functions_with_globals_events_and_variables_that_refer_to_resources() {
    let template = parse(SMALL, &[]).unwrap();
    let [hello] = template.functions.as_slice() else { panic!() };
    assert_eq!((hello.name.as_str(), hello.timeout.as_secs(), hello.memory_mb), ("hello", 7, 256));
    let variable =
        |name: &str| hello.environment[name].resolve(|reference| Some(format!("<{}>", reference.resource)));
    assert_eq!(variable("SHARED"), Ok("1".to_owned()));
    assert_eq!(variable("TABLE"), Ok("<Things>".to_owned()));
    assert_eq!(variable("QUEUE"), Ok("<Jobs>".to_owned()));
    let [EventSource::HttpApi(route), EventSource::Sqs(jobs)] = hello.events.as_slice() else { panic!() };
    assert_eq!((route.method.as_str(), route.path.as_str()), ("GET", "/hello/{name}"));
    assert_eq!((jobs.queue.as_str(), jobs.batch_size, jobs.report_batch_item_failures), ("Jobs", 5, true));
}

#[test]
fn reads_tables_and_queues() {
    let template = parse(SMALL, &[]).unwrap();
    assert_eq!(template.tables[0].key.partition, "id");
    assert!(template.tables[0].stream.is_some());
    let redrive = template.queues[0].redrive.as_ref().unwrap();
    assert_eq!((redrive.dead_letter_queue.as_str(), redrive.max_receive_count), ("Dead", 3));
    assert_eq!(template.queues[0].visibility_timeout.as_secs(), 42);
}

#[test]
fn logging_has_no_local_counterpart() {
    let logging = "Timeout: 7\n    LoggingConfig: {LogFormat: JSON, LogGroup: !Ref FunctionLogs}\n";
    let resources = "  FunctionLogs: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 30}}\n  \
                         Errors: {Type: AWS::Logs::MetricFilter, Properties: {LogGroupName: !Ref FunctionLogs}}\n";
    let text = SMALL.replace("Timeout: 7\n", logging) + resources;
    assert_eq!(parse(&text, &[]).unwrap().functions.len(), 1);
}

#[test]
fn errors_name_their_line() {
    let message = |text: &str| parse(text, &[]).unwrap_err().to_string();
    let unknown = message("Resources:\n  A:\n    Type: AWS::Serverless::Api\n");
    assert!(unknown.starts_with("template.yaml:3:11: AWS::Serverless::Api is not supported"), "{unknown}");
    let event = message(&SMALL.replace("Type: SQS, Properties: {Queue", "Type: Kafka, Properties: {Queue"));
    assert!(event.starts_with("template.yaml:18:22: Kafka"), "{event}");
    let number = message(&SMALL.replace("VisibilityTimeout: 42", "VisibilityTimeout: soon"));
    assert!(number.starts_with("template.yaml:23:26: soon is not a number"), "{number}");
}

#[test]
fn conditions_in_a_circle_are_an_error() {
    let function = "\nResources:\n  A: {Type: AWS::SQS::Queue, Condition: A}\n";
    for conditions in [
        "Conditions: {A: !Condition A}",
        "Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}",
        "Conditions: {A: !Equals [!If [A, x, y], x]}",
    ] {
        let message = parse(&format!("{conditions}{function}"), &[]).unwrap_err().to_string();
        assert!(message.contains("depends on itself"), "{message}");
    }
}

#[test]
fn parameters_are_checked() {
    assert!(parse(SMALL, &[("Stage", "prod")]).is_ok());
    assert!(parse(SMALL, &[("Stage", "test")]).unwrap_err().to_string().contains("one of: dev, prod"));
    assert!(parse(SMALL, &[("Stagee", "dev")]).unwrap_err().to_string().contains("it has: Stage"));
}
