//! Templates of others: what is accepted as SAM accepts it, and what is refused as AWS refuses it or because it is not
//! imitated.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

use std::{collections::BTreeMap, path::Path};

use sam_template::{AttributeType, Settings, Template, TemplateError};

/// The template, or `LINE: MESSAGE` of each problem.
fn parse(text: &str, parameters: &[(&str, &str)]) -> Result<Template, Vec<String>> {
    let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings = Settings { parameters: given.collect(), ..Settings::default() };
    match Template::parse(text, Path::new("template.yaml"), &settings) {
        Ok(template) => Ok(template),
        Err(TemplateError::Problems { problems, .. }) => {
            Err(problems.iter().map(|problem| format!("{}: {}", problem.at.line, problem.message)).collect())
        }
        Err(error) => panic!("{error}"),
    }
}

/// A template with a function in line 2, whose properties are in line 3, and resources from line 5 on.
fn with(properties: &str, resources: &str) -> Result<Template, Vec<String>> {
    let function = format!("  F:\n    Properties: {{{properties}}}\n    Type: AWS::Serverless::Function\n");
    parse(&format!("Resources:\n{function}{resources}\n"), &[])
}

fn refused(properties: &str, resources: &str, expected: &str) {
    let problems = with(properties, resources).unwrap_err();
    assert!(
        problems.len() == 1 && problems[0].starts_with(expected),
        "{properties}{resources}: {expected}: {problems:#?}"
    );
}

#[test]
fn functions_that_share_a_binary_stay_apart() {
    let function = |id: &str, properties: &str| {
        format!(
            "  {id}: {{Type: AWS::Serverless::Function, Metadata: {{BuildProperties: {{Binary: one}}}}, Properties: {{{properties}}}}}\n"
        )
    };
    let names = |functions: &[String]| {
        let template = parse(&format!("Resources:\n{}", functions.concat()), &[]).unwrap();
        template.functions.into_iter().map(|function| function.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&[function("A", ""), function("B", "")]), ["A", "B"]);
    assert_eq!(names(&[function("A", "")]), ["one"], "the only one is called like its binary");
    assert_eq!(names(&[function("A", "FunctionName: two"), function("B", "")]), ["two", "one"]);
    assert_eq!(names(&[function("A", "FunctionName: one"), function("B", "")]), ["one", "B"]);
    let twice = [function("A", "FunctionName: x"), function("B", "FunctionName: x")].concat();
    let problems = parse(&format!("Resources:\n{twice}"), &[]).unwrap_err();
    assert_eq!(problems, ["3: another function is named x already"]);
}

#[test]
fn configuration_envvars_names_and_sizes() {
    let variables = |variables: &str| format!("Environment: {{Variables: {{{variables}}}}}");
    for name in ["AWS_REGION", "_HANDLER", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "AWS_ACCESS_KEY_ID"]
    {
        refused(&variables(&format!("{name}: x")), "", &format!("3: {name} is reserved"));
    }
    for name in ["1A", "A-B", "X", "_A"] {
        refused(&variables(&format!("{name}: x")), "", &format!("3: {name} is not a name of a variable"));
    }
    assert!(with(&variables("TZ: x, PATH: y, AWS_ENDPOINT_URL: z"), "").is_ok());
    let large = |bytes: usize| variables(&format!("NAME: '{}'", "x".repeat(bytes - 4)));
    assert!(with(&large(4096), "").is_ok());
    refused(&large(4097), "", "3: the variables have 4097 bytes; Lambda takes 4096");
}

#[test]
fn functions_are_refused_as_lambda_does() {
    for (properties, expected) in [
        ("Timeout: 0", "3: Timeout must be 1 to 900, not 0"),
        ("Timeout: 901", "3: Timeout must be 1 to 900, not 901"),
        ("MemorySize: 127", "3: MemorySize must be 128 to 10240, not 127"),
        ("MemorySize: 10241", "3: MemorySize must be 128 to 10240, not 10241"),
        ("FunctionName: 'a b'", "3: a b is not a name of a function"),
        ("Architectures: [arm64, x86_64]", "3: Architectures must be [x86_64] or [arm64]"),
        ("CodeUri: s3://bucket/key", "3: code in S3 is not fetched"),
        ("CodeUri: {Bucket: b, Key: k}", "3: code in S3 is not fetched"),
        ("ImageUri: x", "3: ImageUri of a function is not supported: containers"),
        ("Colour: red", "3: Colour of a function is not supported: leave it out"),
        ("Events: {E: {Type: S3, Properties: {}}}", "3: S3 events are not supported"),
        ("Environment: {Variables: {AA: '{{resolve:ssm:/a}}'}}", "3: {{resolve:...}} has no value"),
        (
            "Environment: {Variables: {AA: !Sub '{{resolve:ssm:/${AWS::Region}}}'}}",
            "3: {{resolve:...}} has no value",
        ),
        ("DeadLetterQueue: {TargetArn: x}", "3: TargetArn must be one !GetAtt or !Ref"),
    ] {
        refused(properties, "", expected);
    }
    assert!(with("Timeout: 900, MemorySize: 10240, Tags: {a: !Nonsense b}", "").is_ok());
}

#[test]
fn queues_are_refused_as_sqs_does() {
    let queue = |properties: &str| format!("  Q: {{Type: AWS::SQS::Queue, Properties: {{{properties}}}}}");
    for (properties, expected) in [
        ("QueueName: a.fifo", "5: a.fifo is not a name of this queue"),
        ("FifoQueue: true, QueueName: a", "5: a is not a name of this queue"),
        ("QueueName: 'a b'", "5: a b is not a name of this queue: 1 to 80"),
        ("ContentBasedDeduplication: true", "5: ContentBasedDeduplication is for FIFO queues"),
        ("DeduplicationScope: messageGroup", "5: DeduplicationScope of a queue is not supported"),
    ] {
        refused("", &queue(properties), expected);
    }
    let pair = |source: &str, target: &str| {
        format!(
            "  Q: {{Type: AWS::SQS::Queue, Properties: {{{source}RedrivePolicy: {{deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: 1}}}}}}\n  \
             D: {{Type: AWS::SQS::Queue, Properties: {{{target}}}}}"
        )
    };
    let fifo = "FifoQueue: true, ";
    refused("", &pair("", fifo), "5: D is a FIFO queue, and Q is a standard queue");
    refused("", &pair(fifo, ""), "5: D is a standard queue, and Q is a FIFO queue");
    assert!(with("", &pair(fifo, fifo)).is_ok() && with("", &pair("", "")).is_ok());
}

#[test]
fn two_resources_with_one_name_are_refused() {
    let two = |kind: &str, name: &str| {
        let resource = |id: &str| format!("  {id}: {{Type: {kind}, Properties: {{{name}: same}}}}\n");
        format!("{}{}", resource("A"), resource("B"))
    };
    refused("", &two("AWS::SQS::Queue", "QueueName"), "6: another queue is named same already");
    let tables = two("AWS::Serverless::SimpleTable", "TableName");
    refused("", &tables, "6: another table is named same already");
}

#[test]
fn tables_of_both_kinds_are_read() {
    let simple = "  T: {Type: AWS::Serverless::SimpleTable}\n  \
                  Other: {Type: AWS::Serverless::SimpleTable, Properties: {TableName: others, PrimaryKey: {Name: number, Type: Number}, Tags: {a: b}}}";
    let tables = with("Environment: {Variables: {TABLE: !Ref T}}", simple).unwrap().tables;
    let keys = tables
        .iter()
        .map(|table| (table.name.as_str(), table.key.partition.as_str(), table.attributes[0].kind));
    assert_eq!(
        keys.collect::<Vec<_>>(),
        [("local-T", "id", AttributeType::String), ("others", "number", AttributeType::Number)]
    );
    let table =
        |properties: &str| format!("  T: {{Type: AWS::DynamoDB::Table, Properties: {{{properties}}}}}");
    let id = "{AttributeName: id, AttributeType: S}";
    let key = "KeySchema: [{AttributeName: id, KeyType: HASH}]";
    for (properties, expected) in [
        (format!("AttributeDefinitions: [], {key}"), "5: id is in a key, so it must be defined here"),
        (
            format!("AttributeDefinitions: [{id}, {{AttributeName: x, AttributeType: S}}], {key}"),
            "5: x is in no key, so it must not be defined here",
        ),
        (format!("AttributeDefinitions: [{id}], {key}, TableName: ab"), "5: ab is not a name of a table"),
        (
            format!("AttributeDefinitions: [{id}], {key}, KinesisStreamSpecification: {{}}"),
            "5: KinesisStreamSpecification of a table is not supported",
        ),
    ] {
        refused("", &table(&properties), expected);
    }
    let ttl = |enabled: &str| {
        let ttl = format!("TimeToLiveSpecification: {{AttributeName: at, Enabled: {enabled}}}");
        let template = with("", &table(&format!("AttributeDefinitions: [{id}], {key}, {ttl}"))).unwrap();
        template.tables[0].ttl_attribute.clone()
    };
    assert_eq!((ttl("true").as_deref(), ttl("false")), (Some("at"), None));
}

#[test]
fn what_would_send_to_a_function_cannot_be_left_out() {
    let resource =
        |kind: &str, properties: &str| format!("  R: {{Type: {kind}, Properties: {{{properties}}}}}");
    for (kind, properties) in [
        ("AWS::SNS::Subscription", "Protocol: lambda, Endpoint: !GetAtt F.Arn"),
        ("AWS::SNS::Topic", "Subscription: [{Protocol: sqs, Endpoint: !GetAtt [Q, Arn]}]"),
        ("AWS::Events::Rule", "Targets: [{Arn: !Sub '${F.Arn}', Id: x}]"),
        ("AWS::Scheduler::Schedule", "Target: {Arn: !GetAtt F.Arn}"),
        ("AWS::S3::Bucket", "NotificationConfiguration: {LambdaConfigurations: [{Function: !GetAtt F.Arn}]}"),
        ("AWS::Pipes::Pipe", "Source: !GetAtt Q.Arn"),
    ] {
        let resources = format!("{}\n  Q: {{Type: AWS::SQS::Queue}}", resource(kind, properties));
        refused("", &resources, &format!("5: {kind} is not hosted, so "));
    }
    for (kind, properties) in [
        ("AWS::SNS::Subscription", "Protocol: email, Endpoint: a@example.com"),
        ("AWS::SNS::Topic", "DisplayName: !Ref F"),
        ("AWS::EC2::VPC", ""),
        ("Custom::Anything", "ServiceToken: !GetAtt F.Arn"),
    ] {
        let template = with("", &resource(kind, properties)).unwrap();
        assert_eq!(template.not_hosted, [format!("R ({kind})")]);
    }
    let quiet = with("", &resource("AWS::CloudWatch::Alarm", "AlarmActions: [!Nonsense x]")).unwrap();
    assert!(quiet.not_hosted.is_empty());
    let alarm = "  A: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: [!Ref R]}}";
    let topic = format!("{}\n{alarm}", resource("AWS::SNS::Topic", ""));
    assert!(with("", &topic).unwrap().not_hosted.is_empty(), "only an alarm uses it");
    let used = with("Environment: {Variables: {TOPIC: !Ref R}}", &topic).unwrap();
    assert_eq!(used.not_hosted, ["R (AWS::SNS::Topic)"]);
    for (kind, expected) in [
        ("AWS::Lambda::EventSourceMapping", "is not supported: declare it in Events"),
        ("AWS::Lambda::Url", "is not supported: function URLs are not supported"),
        ("AWS::ApiGatewayV2::Route", "is not supported: declare the API"),
        ("AWS::DynamoDB::Tabel", "is no type that the local stack knows"),
    ] {
        refused("", &resource(kind, ""), &format!("5: {kind} {expected}"));
    }
}

#[test]
fn parameters_section_structure_types_and_constraints() {
    let text = |parameter: &str| {
        format!(
            "Parameters: {{P: {{{parameter}}}}}\nResources:\n  F: {{Type: AWS::Serverless::Function, Properties: {{Environment: {{Variables: {{PP: !Join ['+', [!Ref P]]}}}}}}}}\n"
        )
    };
    for (parameter, given, expected) in [
        ("Type: Number, MinValue: 2", "1", "1: the parameter P is \"1\", but must be at least 2"),
        ("Type: Number, MinValue: 2, MaxValue: 3", "4", "1: the parameter P is \"4\", but must be 2 to 3"),
        ("Type: Number", "x", "1: the parameter P is \"x\", but must be a number"),
        (
            "Type: String, MinLength: 2",
            "x",
            "1: the parameter P is \"x\", but must be at least 2 characters long",
        ),
        (
            "Type: String, MinLength: 2, NoEcho: true",
            "x",
            "1: the parameter P is hidden, but must be at least 2 characters long",
        ),
        ("Type: List<Number>", "1,x", "1: the parameter P is \"1,x\", but must be a number"),
        (
            "Type: CommaDelimitedList, AllowedValues: [a]",
            "a,b",
            "1: the parameter P is \"a,b\", but must be one of: a",
        ),
        ("Type: Text", "x", "1: Text is not a type of parameters"),
    ] {
        let problems = parse(&text(parameter), &[("P", given)]).unwrap_err();
        assert_eq!(problems.len(), 1, "a value that is refused is not missed again: {problems:#?}");
        assert!(problems[0].starts_with(expected), "{expected}: {problems:#?}");
    }
    let stored = "Type: 'AWS::SSM::Parameter::Value<String>', Default: /a";
    assert!(parse(&text(stored), &[]).unwrap_err()[0].starts_with("1: the parameter P has no value"));
    let template = parse(&text(stored), &[("P", "the value")]).unwrap();
    let variable = |template: &Template| template.functions[0].environment["PP"].resolve(|_| None);
    assert_eq!(variable(&template), Ok("the value".to_owned()));
    for kind in ["AWS::EC2::VPC::Id", "AWS::SSM::Parameter::Name", "String"] {
        assert!(parse(&text(&format!("Type: '{kind}'")), &[("P", "x")]).is_ok(), "{kind}");
    }
}

#[test]
fn metadata_that_changes_the_build_is_a_warning() {
    let text = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    \
                Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: a, Flags: [--features, x]}}\n";
    let template = parse(text, &[]).unwrap();
    let warnings: BTreeMap<_, _> =
        template.warnings.iter().map(|warning| (warning.at.line, warning.message.as_str())).collect();
    assert_eq!(warnings, BTreeMap::from([(4, "Flags is not passed on: cargo builds without it")]));
    let other = parse(&text.replace("rust-cargolambda", "esbuild"), &[]).unwrap_err();
    assert!(other[0].starts_with("4: the build method esbuild is not supported"), "{other:?}");
}

#[test]
fn sections_and_attributes_with_typing_errors_are_refused() {
    let problems = parse("Resorces: {}\n", &[]).unwrap_err();
    assert_eq!(
        problems,
        ["1: Resorces of a template is not supported: leave it out", "1: Resources is missing here"]
    );
    let transforms = "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\nResources: {}\n";
    let problems = parse(transforms, &[]).unwrap_err();
    assert!(
        problems[0].starts_with("1: the transform AWS::LanguageExtensions is not supported"),
        "{problems:?}"
    );
    let problems = with("", "  Q: {Type: AWS::SQS::Queue, Propertys: {}}").unwrap_err();
    assert_eq!(problems, ["5: Propertys of a resource is not supported: leave it out"]);
}
