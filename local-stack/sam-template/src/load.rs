//! Loads a [`Template`] from a file.

mod references;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{LineError, TemplateError},
    evaluate::Scope,
    node::{self, Entry, Node},
    parameters::{self, Settings},
    resources::{function::Function, http_api::HttpApi, queue::Queue, table::Table},
};

/// The resources of a template that run code, hold data or carry messages.
#[derive(Clone, Debug)]
pub struct Template {
    /// The file it was read from.
    pub path: PathBuf,
    /// In the order of the template.
    pub functions: Vec<Function>,
    /// In the order of the template.
    pub tables: Vec<Table>,
    /// In the order of the template.
    pub queues: Vec<Queue>,
    /// The HTTP API that functions' `HttpApi` events belong to.
    pub http_api: Option<HttpApi>,
}

/// The implicit API of `HttpApi` events that do not name one.
const IMPLICIT_API: &str = "ServerlessHttpApi";

/// Resource types that need no local counterpart: permissions, logs, alarms, dashboards and the like.
const IGNORED: [&str; 13] = [
    "AWS::ApplicationAutoScaling::",
    "AWS::Budgets::",
    "AWS::CloudWatch::",
    "AWS::CodeDeploy::",
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Lambda::Permission",
    "AWS::Logs::",
    "AWS::ResourceGroups::",
    "AWS::SNS::",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::",
    "AWS::XRay::",
];

impl Template {
    /// Reads the template at `path`.
    ///
    /// # Errors
    /// The first mistake or unsupported feature, with its line.
    pub fn load(path: &Path, settings: &Settings) -> Result<Self, TemplateError> {
        Self::parse(&text(path)?, path, settings)
    }

    /// Reads a template from `text`; `path` is the file that errors name.
    ///
    /// # Errors
    /// As [`Template::load`].
    pub fn parse(text: &str, path: &Path, settings: &Settings) -> Result<Self, TemplateError> {
        let root = node::parse(text).map_err(|error| error.in_file(path))?;
        let values = parameters::values(&root, settings).map_err(|problem| problem.in_file(path))?;
        read(&root, values, path).map_err(|error| error.in_file(path))
    }
}

/// The contents of the file at `path`.
pub(crate) fn text(path: &Path) -> Result<String, TemplateError> {
    fs::read_to_string(path).map_err(|source| TemplateError::Unreadable { path: path.to_owned(), source })
}

/// The names that this template defines.
pub(crate) fn scope(root: &Node, values: BTreeMap<String, String>) -> Result<Scope, LineError> {
    let conditions = Node::entries(root.get("Conditions"))?;
    let resources = Node::entries(Some(root.require("Resources")?))?.iter().map(|entry| entry.key.clone());
    Ok(Scope {
        values,
        conditions: conditions.iter().map(|entry| (entry.key.clone(), entry.node.clone())).collect(),
        mappings: root.get("Mappings").cloned(),
        resources: resources.chain([IMPLICIT_API.to_owned()]).collect(),
        ..Scope::default()
    })
}

/// The resources whose conditions are true.
pub(crate) fn present<'root>(root: &'root Node, scope: &Scope) -> Result<Vec<&'root Entry>, LineError> {
    let mut present = Vec::new();
    for entry in Node::entries(Some(root.require("Resources")?))? {
        let condition = entry.node.get("Condition");
        let holds = condition.map(|condition| scope.condition(condition.text()?, condition.line));
        if holds.transpose()?.unwrap_or(true) {
            present.push(entry);
        }
    }
    Ok(present)
}

fn read(root: &Node, values: BTreeMap<String, String>, path: &Path) -> Result<Template, LineError> {
    let scope = scope(root, values)?;
    let mut template = Template {
        path: path.to_owned(),
        functions: Vec::new(),
        tables: Vec::new(),
        queues: Vec::new(),
        http_api: None,
    };
    let http_globals = root.at(&["Globals", "HttpApi"]);
    for Entry { key: id, node, line } in present(root, &scope)? {
        let kind = node.require("Type")?;
        match kind.text()? {
            "AWS::Serverless::Function" => {
                let globals = root.at(&["Globals", "Function"]);
                template.functions.push(Function::read(&scope, id, *line, node, globals)?);
            }
            "AWS::DynamoDB::Table" => template.tables.push(Table::read(&scope, id, node)?),
            "AWS::SQS::Queue" => template.queues.push(Queue::read(&scope, id, *line, node)?),
            "AWS::Serverless::HttpApi" if template.http_api.is_some() => {
                return Err(kind.error("only one HTTP API is supported"));
            }
            "AWS::Serverless::HttpApi" => {
                template.http_api = Some(HttpApi::read(&scope, id, Some(node), http_globals)?);
            }
            other if IGNORED.iter().any(|ignored| other.starts_with(ignored)) => {}
            other => {
                return Err(kind.error(format!(
                    "{other} is not supported: functions (AWS::Serverless::Function), HTTP APIs \
                     (AWS::Serverless::HttpApi), tables (AWS::DynamoDB::Table) and queues (AWS::SQS::Queue) are"
                )));
            }
        }
    }
    if template.http_api.is_none() && http_globals.is_some() {
        template.http_api = Some(HttpApi::read(&scope, IMPLICIT_API, None, http_globals)?);
    }
    references::check(template.http_api.as_ref(), &template.functions)?;
    Ok(template)
}

#[cfg(test)]
mod tests {
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
        let variable = |name: &str| {
            hello.environment[name].resolve(|reference| Some(format!("<{}>", reference.resource)))
        };
        assert_eq!(variable("SHARED"), Ok("1".to_owned()));
        assert_eq!(variable("TABLE"), Ok("<Things>".to_owned()));
        assert_eq!(variable("QUEUE"), Ok("<Jobs>".to_owned()));
        let [EventSource::HttpApi(route), EventSource::Sqs(jobs)] = hello.events.as_slice() else { panic!() };
        assert_eq!((route.method.as_str(), route.path.as_str()), ("GET", "/hello/{name}"));
        assert_eq!(
            (jobs.queue.as_str(), jobs.batch_size, jobs.report_batch_item_failures),
            ("Jobs", 5, true)
        );
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
        let unknown = message("Resources:\n  A:\n    Type: AWS::S3::Bucket\n");
        assert!(unknown.starts_with("template.yaml:3: AWS::S3::Bucket is not supported"), "{unknown}");
        let event =
            message(&SMALL.replace("Type: SQS, Properties: {Queue", "Type: Kafka, Properties: {Queue"));
        assert!(event.starts_with("template.yaml:18: Kafka"), "{event}");
        let number = message(&SMALL.replace("VisibilityTimeout: 42", "VisibilityTimeout: soon"));
        assert!(number.starts_with("template.yaml:23: soon is not a number"), "{number}");
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
}
