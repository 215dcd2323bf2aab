use super::*;
use crate::{node::parse, text::Reference};

const TEMPLATE: &str = "
Parameters:
  Stage: {Type: String, Default: dev}
  Zones: {Type: CommaDelimitedList, Default: 'a, b'}
Conditions: {Prod: !Equals [!Ref Stage, prod], NotProd: !Not [!Condition Prod]}
Mappings: {Sizes: {dev: {memory: 128}}}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Things: {Type: AWS::DynamoDB::Table}
  Topic: {Type: AWS::SNS::Topic}
  Uploads: {Type: AWS::S3::Bucket}
  Named: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub 'photos-${Stage}'}}
  Key: {Type: AWS::KMS::Key}
  Role: {Type: AWS::IAM::Role}
  Database: {Type: AWS::RDS::DBInstance}
  Setting: {Type: AWS::SSM::Parameter, Properties: {Name: /a/b, Value: !Ref Stage}}
  Function: {Type: AWS::Serverless::Function}
  Rest: {Type: AWS::SNS::Topic, Condition: Prod}
  Circle: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Circle}}
";

/// The value of `x`, and the problems on the way.
fn evaluate(yaml: &str) -> (Node, Vec<Problem>) {
    let (root, _) = parse(TEMPLATE).unwrap();
    let scope = Scope::new(&root, &Settings::default(), Notes::default());
    let node = scope.evaluate(&parse(yaml).unwrap().0);
    let node = node.get("x").cloned().unwrap_or(node);
    (node, scope.notes.into_problems(Vec::new()))
}

fn text(yaml: &str) -> String {
    let (node, problems) = evaluate(yaml);
    assert_eq!(problems, [], "{yaml}");
    node.text().unwrap().to_owned()
}

#[test]
fn each_function_has_cloudformations_value() {
    assert_eq!(text("x: !Ref Stage"), "dev");
    assert_eq!(text("x: {Ref: Stage}"), "dev");
    assert_eq!(text("x: !Sub '${Stage}-${AWS::Region}-${!Raw}'"), "dev-us-east-1-${Raw}");
    assert_eq!(text("x: !Sub ['${a}!', {a: !Ref Stage}]"), "dev!");
    assert_eq!(text("x: !If [Prod, a, b]"), "b");
    assert_eq!(text("x: !If [NotProd, a, b]"), "a");
    assert_eq!(text("x: !Join ['-', [a, !Ref Stage]]"), "a-dev");
    assert_eq!(text("x: !Select [1, !Split ['.', a.b.c]]"), "b");
    assert_eq!(text("x: !FindInMap [Sizes, !Ref Stage, memory]"), "128");
    assert_eq!(text("x: !And [!Equals [a, a], !Not [!Equals [a, b]]]"), "true");
    assert_eq!(text("x: !Or [!Equals [a, b], !Condition Prod]"), "false");
}

#[test]
fn lists_are_lists_and_can_be_joined() {
    assert_eq!(Node::texts(Some(&evaluate("x: !Ref Zones").0)).unwrap(), ["a", "b"]);
    assert_eq!(text("x: !Join ['+', !Ref Zones]"), "a+b");
    assert_eq!(text("x: !Select [1, !Ref Zones]"), "b");
    assert_eq!(text("x: !Sub '${Zones}'"), "a,b");
}

#[test]
fn pseudo_parameter_reference_every_one_has_a_value() {
    let stack = text("x: !Ref AWS::StackId");
    assert!(stack.starts_with("arn:aws:cloudformation:us-east-1:000000000000:stack/local/"), "{stack}");
    assert_eq!(
        text("x: !Sub '${AWS::AccountId} ${AWS::Partition} ${AWS::StackName} ${AWS::URLSuffix}'"),
        "000000000000 aws local amazonaws.com"
    );
    assert_eq!(evaluate("x: !Ref AWS::NotificationARNs").0.value, Value::Sequence(Vec::new()));
}

#[test]
fn what_is_hosted_stays_a_reference() {
    let (node, problems) = evaluate("x: !Sub 'url=${Queue}&arn=${Queue.Arn}'");
    assert_eq!(problems, []);
    let Value::Unresolved(text) = node.value else { panic!("{node:?}") };
    let name = |reference: &Reference| reference.attribute.clone().or(Some("ref".to_owned()));
    assert_eq!(text.resolve(name).unwrap(), "url=ref&arn=Arn");
    assert!(evaluate("x: !GetAtt Queue.Arn").0.text().is_err());
}

#[test]
fn what_is_not_hosted_has_the_values_that_it_might_have_on_aws() {
    for (yaml, expected) in [
        ("!Ref Topic", "arn:aws:sns:us-east-1:000000000000:local-Topic"),
        ("!GetAtt Topic.TopicName", "local-Topic"),
        ("!Ref Uploads", "local-uploads"),
        ("!GetAtt Uploads.Arn", "arn:aws:s3:::local-uploads"),
        ("!GetAtt Uploads.DomainName", "local-uploads.invalid"),
        ("!Sub '${Named}/x'", "photos-dev/x"),
        ("!GetAtt Key.Arn", "arn:aws:kms:us-east-1:000000000000:key/local-Key"),
        ("!GetAtt Role.Arn", "arn:aws:iam::000000000000:role/local-Role"),
        ("!GetAtt FunctionRole.Arn", "arn:aws:iam::000000000000:role/local-FunctionRole"),
        ("!GetAtt Database.Endpoint.Address", "local-database.invalid"),
        ("!Ref Setting", "/a/b"),
        ("!GetAtt Setting.Arn", "arn:aws:ssm:us-east-1:000000000000:parameter/a/b"),
        ("!GetAtt Setting.Value", "dev"),
        ("!Ref ServerlessHttpApi", "local"),
    ] {
        assert_eq!(text(&format!("x: {yaml}")), expected, "{yaml}");
    }
}

#[test]
fn no_value_leaves_the_member_out() {
    assert!(evaluate("y: !Ref AWS::NoValue\nz: 1").0.get("y").is_none());
}

#[test]
fn everything_that_has_no_value_is_named_at_its_place() {
    let yaml = "a: !Ref Nothing\nb: [1, !ImportValue Other]\nc: !GetAtt Nothing.Arn\nd: !If [Nothing, a, b]\n\
                e: !GetAtt Things.StreamArn\nf: !GetAtt Queue.Colour\ng: !Ref Rest\nh: !Ref Circle\n\
                i: '{{resolve:ssm:/a}}'\nj: !Sub 'x{{resolve:secretsmanager:${Stage}}}${Queue}'\n";
    let (_, problems) = evaluate(yaml);
    let expected = [
        (1, 4, "Nothing is neither a parameter nor a resource"),
        (2, 8, "Fn::ImportValue is not supported here"),
        (3, 4, "Nothing is neither"),
        (4, 9, "Nothing is not a condition"),
        (5, 4, "Things has no stream: give it a StreamSpecification"),
        (6, 4, "Queue has no attribute Colour here: it has Arn, QueueName, QueueUrl"),
        (7, 4, "Rest does not exist: its condition Prod is false"),
        (19, 59, "the name of Circle depends on itself"),
        (9, 4, "{{resolve:...}} has no value"),
        (10, 4, "{{resolve:...}} has no value"),
    ];
    for (line, column, message) in expected {
        let at = crate::Position { line, column };
        let found = problems.iter().any(|problem| problem.at == at && problem.message.starts_with(message));
        assert!(found, "{at}: {message}: {problems:#?}");
    }
}
