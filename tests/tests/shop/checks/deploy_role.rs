//! The roles of the pipeline can't give themselves more: `.github/deploy-role.yaml` is read, and each statement judged.
//!
//! Tags such as `!Sub` are not resolved: a `!Ref X` is the text `X`, a `!GetAtt X.Arn` the text `X.Arn`.

mod faults;

use std::{collections::BTreeSet, fs};

use e2e::{permissions::allowed, workspace};
use serde_json::Value;

use self::faults::{faults, permissions, resources, statements, texts};

fn file() -> String {
    fs::read_to_string(workspace().join(".github/deploy-role.yaml")).unwrap()
}

fn parsed(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_pipelines_roles_cannot_give_themselves_more() {
    assert_eq!(faults(&parsed(&file())), Vec::<String>::new());
}

#[test]
fn each_way_to_more_is_seen() {
    let boundary = "Condition: {StringEquals: {\"iam:PermissionsBoundary\": !Ref Boundary}}";
    let broken = [
        (boundary, "Condition: {}", "CloudFormationRole: iam:CreateRole outside the boundary"),
        (
            "iam:PermissionsBoundary\": !Ref",
            "iam:PermissionsBoundary\": !Sub any",
            "iam:PutRolePolicy outside",
        ),
        (
            "ArnEquals:\n                    iam:PolicyARN:\n",
            "ArnLike:\n                    iam:PolicyARN:\n",
            "for any policy",
        ),
        ("service-role/AWSCodeDeployRoleForLambdaLimited", "*", "iam:AttachRolePolicy for any policy"),
        ("role/farthing-${Environment}-CodeDeployRole-*", "role/*", "on more than the shop's roles"),
        ("{\"iam:PassedToService\": lambda.amazonaws.com}", "{}", "iam:PassRole to any service"),
        (
            "{\"iam:PassedToService\": codedeploy.amazonaws.com}",
            "{\"iam:PassedToService\": \"*\"}",
            "iam:PassRole to any service",
        ),
        ("[iam:CreateRole,", "[iam:CreateUser, iam:CreateRole,", "iam:CreateUser is not known"),
        ("[iam:CreateRole,", "[\"iam:*\", iam:CreateRole,", "iam:* is not known"),
        ("- iam:DeleteRole\n", "- iam:DeleteRolePermissionsBoundary\n", "Boundary is not known"),
        (
            "Action: [iam:DeleteRolePermissionsBoundary, ",
            "Action: [",
            "DeleteRolePermissionsBoundary is not denied",
        ),
        ("iam:SetDefaultPolicyVersion]", "iam:TagPolicy]", "iam:SetDefaultPolicyVersion is not denied"),
        ("::/apis/*\"", "::/*\"", "apigateway:DELETE on more than HTTP APIs"),
        (
            "Resource: !Sub \"${ArtifactBucket.Arn}/*\"",
            "Resource: \"arn:aws:s3:::*\"",
            "s3:PutObject on another bucket",
        ),
        ("Action: codedeploy:GetDeploymentConfig", "Action: \"*\"", "on everything"),
        ("- !Sub \"arn:${AWS::Partition}:sqs:", "- \"*\" #", "sqs:* on everything"),
        (
            "ArnLike:\n                    lambda:",
            "ArnLike:\n                    aws:",
            "lambda:CreateEventSourceMapping on everything",
        ),
        (":environment:${Environment}\"\n", ":*\"\n", "DeployRole: any environment is trusted"),
        (":repository_id: !Ref", ":other_id: !Ref", "DeployRole: any repository is trusted"),
        (":ref: refs/heads/main", ":ref: refs/heads/*", "DeployRole: any branch or workflow is trusted"),
        ("deploy-to.yml@refs", "*@refs", "DeployRole: any branch or workflow is trusted"),
        (
            "Service: cloudformation.amazonaws.com",
            "AWS: \"*\"",
            "CloudFormationRole: somebody else is trusted",
        ),
    ];
    for (from, to, fault) in broken {
        let text = file().replacen(from, to, 1);
        assert!(text != file(), "{from} is not there");
        let faults = faults(&parsed(&text));
        assert!(faults.iter().any(|line| line.contains(fault)), "{fault}: {faults:?}");
    }
}

#[test]
fn only_the_roles_of_an_environment_use_its_packages() {
    let template = parsed(&file());
    let (_, policy) = resources(&template, "AWS::S3::BucketPolicy").next().unwrap();
    let others = |action: &str| {
        let rule =
            statements(&policy["PolicyDocument"]).find(|one| texts(&one["Action"]) == [action]).unwrap();
        assert_eq!(rule["Effect"], "Deny");
        texts(&rule["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]).join(" ")
    };
    assert_eq!(others("s3:PutObject"), "DeployRole.Arn");
    assert_eq!(others("s3:GetObject"), "DeployRole.Arn CloudFormationRole.Arn");
}

/// `dynamodb:GetItem` is within `dynamodb:*`, and within itself.
fn within(action: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(action == pattern, |start| action.starts_with(start))
}

#[test]
fn the_boundary_has_what_the_functions_are_allowed() {
    let template = parsed(&file());
    let (_, boundary) = resources(&template, "AWS::IAM::ManagedPolicy").next().unwrap();
    let most: Vec<_> =
        statements(&boundary["PolicyDocument"]).flat_map(|statement| texts(&statement["Action"])).collect();
    for (function, lines) in allowed() {
        for line in lines {
            let action = line.split(' ').next().unwrap();
            assert!(
                most.iter().any(|pattern| within(action, pattern)),
                "{function} is allowed {action}, which Boundary in .github/deploy-role.yaml does not have"
            );
        }
    }
}

/// The prefix of the actions that make a resource of a type.
fn service(kind: &str) -> String {
    match kind {
        "AWS::Serverless::Function" => "lambda".to_owned(),
        "AWS::Serverless::HttpApi" => "apigateway".to_owned(),
        other => other.split("::").nth(1).unwrap().to_lowercase(),
    }
}

#[test]
fn cloudformation_may_make_each_kind_of_resource() {
    let template = parsed(&file());
    let (_, role) =
        resources(&template, "AWS::IAM::Role").find(|(id, _)| *id == "CloudFormationRole").unwrap();
    let services: BTreeSet<_> = permissions(role)
        .filter(|statement| statement["Effect"] == "Allow")
        .flat_map(|statement| texts(&statement["Action"]))
        .filter_map(|action| action.split(':').next())
        .collect();
    let shop = parsed(&fs::read_to_string(workspace().join("template.yaml")).unwrap());
    for resource in shop["Resources"].as_object().unwrap().values() {
        let kind = resource["Type"].as_str().unwrap();
        let service = service(kind);
        assert!(
            services.contains(service.as_str()),
            "template.yaml has a resource of {kind}, but CloudFormationRole in .github/deploy-role.yaml may not make it"
        );
    }
}
