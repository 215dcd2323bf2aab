//! The binary itself with templates that have nothing of the shop.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::AttributeValue;
use local_lambda::sqs_server;
use serde_json::Value;
use tempfile::TempDir;

const WITHIN: Duration = Duration::from_secs(60);
const REGION: &str = "us-east-1";

/// Two functions with one binary and without names, a table in SAM's short form, a topic that is not hosted, a list as a
/// parameter, and a key that is repeated.
const TEMPLATE: &str = "\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Handlers: {Type: CommaDelimitedList, Default: 'greeter, worker'}
Globals:
  Function:
    Runtime: provided.al2023
    CodeUri: built
    Timeout: 5
    Timeout: 10
Resources:
  Greeter:
    Type: AWS::Serverless::Function
    Properties:
      Handler: !Select [0, !Ref Handlers]
      Environment: {Variables: {TOPIC: !Ref News, STACK: !Ref AWS::StackId, ROLE: !GetAtt Role.Arn}}
      Events: {Get: {Type: HttpApi, Properties: {Method: get, Path: '/greet/{name}'}}}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Handler: !Select [1, !Ref Handlers]
      Environment: {Variables: {TABLE: !Ref T}}
      Events: {Jobs: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 1}}}
  Jobs: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60}}
  T: {Type: AWS::Serverless::SimpleTable}
  News: {Type: AWS::SNS::Topic}
  Role: {Type: AWS::IAM::Role}
";

/// A folder with the template and the built function in `built`.
fn project(template: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("template.yaml"), template).unwrap();
    fs::create_dir(folder.path().join("built")).unwrap();
    folder
}

/// Compiles the function: the standard library is enough, so this takes no cargo.
fn build(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/bootstrap.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc.arg("--edition=2024").arg("-o").arg(folder.join("built/bootstrap")).arg(source);
    assert!(rustc.status().unwrap().success());
}

fn farthing(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farthing"));
    command.current_dir(folder);
    for port in
        ["--port", "--invoke-port", "--control-port", "--dynamodb-port", "--sqs-port", "--payment-port"]
    {
        command.args([port, "0"]);
    }
    command.args(["--ready-file", "ready.json"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running stack. It stops with this process, whose standard input it watches.
struct Running {
    process: Child,
    ready: Value,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let mut process = farthing(folder).arg("--exit-with-stdin").spawn().unwrap();
        let deadline = Instant::now() + WITHIN;
        loop {
            if let Ok(ready) = fs::read_to_string(folder.join("ready.json")) {
                return Self { process, ready: serde_json::from_str(&ready).unwrap() };
            }
            if let Some(status) = process.try_wait().unwrap() {
                let output = process.wait_with_output().unwrap();
                panic!("{status}: {}", String::from_utf8_lossy(&output.stderr));
            }
            assert!(Instant::now() < deadline, "it is not ready within {WITHIN:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it as its standard input ends, and returns what it has written.
    fn stop(mut self) -> String {
        drop(self.process.stdin.take());
        let output = self.process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }

    fn get(&self, path: &str) -> String {
        let host = self.ready["http"].as_str().unwrap().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }
}

#[tokio::test]
async fn a_template_that_has_nothing_of_the_shop_starts_and_stops() {
    let folder = project(TEMPLATE);
    build(folder.path());
    let stack = Running::start(folder.path());

    let response = stack.get("/greet/ada");
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    let expected = "greeter greets ada, arn:aws:sns:us-east-1:000000000000:local-News";
    assert!(response.ends_with(expected), "{response}");

    let sqs = sqs_server::client(stack.ready["sqs"].as_str().unwrap(), REGION, "local");
    let queue = stack.ready["queues"]["Jobs"].as_str().unwrap();
    sqs.send_message().queue_url(queue).message_body("job-1").send().await.unwrap();
    let dynamodb = embedded_dynamodb::client(stack.ready["dynamodb"].as_str().unwrap(), REGION, "local");
    let table = stack.ready["tables"]["T"].as_str().unwrap();
    let deadline = Instant::now() + WITHIN;
    loop {
        let request = dynamodb.get_item().table_name(table).key("id", AttributeValue::S("job-1".to_owned()));
        if request.send().await.unwrap().item.is_some() {
            break;
        }
        assert!(Instant::now() < deadline, "the message does not arrive in the table");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    assert!(stack.ready["payment_provider"].is_null(), "nothing of the shop is started: {}", stack.ready);
    let written = stack.stop();
    for part in [
        "template.yaml:9:5: Timeout is repeated: this value counts, the one in line 8 does not",
        "not hosted: News (AWS::SNS::Topic)",
        "The stack is ready.",
        "GET /greet/{name}                Greeter",
        "queue Jobs                       Worker",
        "queues                           Jobs",
        "tables                           local-T",
    ] {
        assert!(written.contains(part), "{part}: {written}");
    }
    for shop in ["shop", "order", "payment", "product", "building"] {
        assert!(!written.contains(shop), "{shop}: {written}");
    }
}

/// Each line of a function or resource has one problem, or several.
const WRONG: &str = "\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Secret: {Type: String}
  Stored: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a/b}
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: nowhere
      Runtime: python3.13
      Timeout: 901
      MemorySize: 64
      Layers: [x]
      FunctionUrlConfig: {AuthType: NONE}
      Environment:
        Variables:
          AWS_REGION: here
          QUEUE: !GetAtt Jobs.Length
          PASSWORD: '{{resolve:ssm-secure:/password:1}}'
          SECRET: !Ref Secret
      Events:
        Part: {Type: HttpApi, Properties: {Path: '/map/{z}/{y}.png', Method: FETCH}}
        News: {Type: SNS, Properties: {Topic: !Ref News}}
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 11, Parallel: 2}}
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 minutes)}}
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      DelaySeconds: 901
      MaximumMessageSize: 1024
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
  Dead: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
  News: {Type: AWS::SNS::Topic, Properties: {Subscription: [{Protocol: lambda, Endpoint: !GetAtt One.Arn}]}}
  Rest: {Type: AWS::Serverless::Api}
  Typo: {Type: AWS::DynamoDB::Tabel}
";

#[test]
fn every_problem_is_named_at_once_with_its_place() {
    let folder = project(WRONG);
    let output = farthing(folder.path()).output().unwrap();
    assert!(!output.status.success());
    let written = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = written.lines().collect();
    let expected = [
        "3:3: the parameter Secret has no default: give it with --parameter Secret=VALUE",
        "4:3: the parameter Stored has no value: CloudFormation reads it from SSM",
        "9:16: One: there is no folder ./nowhere, which CodeUri names",
        "10:16: python3.13 is not supported",
        "11:16: Timeout must be 1 to 900, not 901",
        "12:19: MemorySize must be 128 to 10240, not 64",
        "13:7: Layers of a function is not supported",
        "14:7: FunctionUrlConfig of a function is not supported",
        "17:11: AWS_REGION is reserved",
        "18:18: Jobs has no attribute Length here",
        "19:21: {{resolve:...}} has no value",
        "22:50: API Gateway does not take the path /map/{z}/{y}.png: {y}.png is a variable and more",
        "22:78: FETCH is not a method of routes",
        "23:22: SNS events are not supported",
        "24:76: a BatchSize over 10 needs a MaximumBatchingWindowInSeconds",
        "24:80: Parallel of an SQS event is not supported",
        "25:55: rate(1 minutes) is not a schedule",
        "29:21: DelaySeconds must be 0 to 900, not 901",
        "30:7: MaximumMessageSize of a queue is not supported",
        "31:44: Dead is a FIFO queue, and Jobs is a standard queue",
        "33:16: AWS::SNS::Topic is not hosted, so One would get nothing from News",
        "34:16: AWS::Serverless::Api is not supported: REST APIs are not supported",
        "35:16: AWS::DynamoDB::Tabel is no type that the local stack knows",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("template.yaml:{expected}")), "{expected}: {written}");
    }
    assert_eq!(
        lines[expected.len()..],
        [format!("template.yaml has {} problems", expected.len())],
        "{written}"
    );
}
