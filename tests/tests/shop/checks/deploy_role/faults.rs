//! The judgement on each statement.

use std::collections::BTreeSet;

use serde_json::Value;

/// What puts permissions into a role, or takes them out: only for roles within the boundary.
const WITHIN_THE_BOUNDARY: [&str; 6] = [
    "AttachRolePolicy",
    "CreateRole",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
];
/// What changes a role and gives nobody more.
const HARMLESS: [&str; 3] = ["DeleteRole", "TagRole", "UntagRole"];
/// What names no resource that a pattern could hold to the shop, as the Service Authorization Reference says.
const WITHOUT_RESOURCE: [&str; 9] = [
    "cloudformation:GetTemplateSummary",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
];
/// What must be denied whatever else is allowed: leaving the boundary, and changing it.
const DENIED: [&str; 6] = [
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
];
const TOKEN: &str = "token.actions.githubusercontent.com";

/// The resources of one type, each with its name and properties.
pub(super) fn resources<'a>(
    template: &'a Value,
    kind: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let all = template["Resources"].as_object().unwrap().iter();
    all.filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
}

/// A text, or a list of texts.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        text => text.as_str().into_iter().collect(),
    }
}

pub(super) fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    document["Statement"].as_array().unwrap().iter()
}

/// The statements of a role's policies.
pub(super) fn permissions(role: &Value) -> impl Iterator<Item = &Value> {
    let policies = role["Policies"].as_array().map(Vec::as_slice).unwrap_or_default();
    policies.iter().flat_map(|policy| statements(&policy["PolicyDocument"]))
}

/// How the roles could get more than the shop needs, a line each.
pub(super) fn faults(template: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, role) in resources(template, "AWS::IAM::Role") {
        let mut denied = BTreeSet::new();
        for statement in permissions(role) {
            if statement["Effect"] == "Deny" {
                denied.extend(texts(&statement["Action"]));
            } else {
                faults.extend(allow_faults(statement).into_iter().map(|fault| format!("{id}: {fault}")));
            }
        }
        let writes_roles = permissions(role).any(|one| texts(&one["Action"]).contains(&"iam:CreateRole"));
        let missing = DENIED.iter().filter(|action| writes_roles && !denied.contains(*action));
        faults.extend(missing.map(|action| format!("{id}: {action} is not denied")));
        faults.extend(trust_faults(&role["AssumeRolePolicyDocument"]).map(|fault| format!("{id}: {fault}")));
    }
    faults
}

fn allow_faults(statement: &Value) -> Vec<String> {
    let (actions, on) = (texts(&statement["Action"]), texts(&statement["Resource"]));
    if actions.is_empty() || on.is_empty() {
        return vec!["a statement without Action or Resource".to_owned()];
    }
    let fault = |action: &&str| {
        let (service, name) = action.split_once(':').unwrap_or((action, "*"));
        let fault = match service {
            "iam" => iam_fault(name, statement),
            "s3" => on
                .iter()
                .any(|on| !on.starts_with("${ArtifactBucket.Arn}") && *on != "ArtifactBucket.Arn")
                .then_some("on another bucket"),
            "apigateway" => on
                .iter()
                .any(|on| !on.contains("::/apis") && !on.contains("::/tags/"))
                .then_some("on more than HTTP APIs"),
            _ => everything_fault(action, &on, statement),
        };
        fault.map(|fault| format!("{action} {fault}"))
    };
    actions.iter().filter_map(fault).collect()
}

fn everything_fault(action: &str, on: &[&str], statement: &Value) -> Option<&'static str> {
    let conditional = statement["Condition"]["ArnLike"]["lambda:FunctionArn"]
        .as_str()
        .is_some_and(|arn| arn.contains("farthing-${Environment}-"));
    let everything = action.starts_with('*') || on.iter().any(|on| on.starts_with('*'));
    (everything && !conditional && !WITHOUT_RESOURCE.contains(&action)).then_some("on everything")
}

fn iam_fault(name: &str, statement: &Value) -> Option<&'static str> {
    let exact = &statement["Condition"]["StringEquals"];
    let policies = texts(&statement["Condition"]["ArnEquals"]["iam:PolicyARN"]);
    let of_the_shop = |on: &&str| on.contains(":role/farthing-${Environment}-") && on.contains("Role-");
    let on = texts(&statement["Resource"]);
    if !on.iter().all(|on| of_the_shop(on) || (name == "PassRole" && on.ends_with("Role.Arn"))) {
        return Some("on more than the shop's roles");
    }
    if WITHIN_THE_BOUNDARY.contains(&name) {
        if exact["iam:PermissionsBoundary"] != "Boundary" {
            return Some("outside the boundary");
        }
        let attaches = name == "AttachRolePolicy";
        let any = policies.is_empty() || policies.iter().any(|policy| policy.contains('*'));
        return (attaches && any).then_some("for any policy");
    }
    match name {
        "PassRole" => {
            let services = texts(&exact["iam:PassedToService"]);
            (services.len() != 1 || services[0].contains('*')).then_some("to any service")
        }
        name if HARMLESS.contains(&name) || name.starts_with("Get") || name.starts_with("List") => {
            name.contains('*').then_some("is a wildcard")
        }
        _ => Some("is not known to be harmless"),
    }
}

fn trust_faults(trust: &Value) -> impl Iterator<Item = &'static str> {
    statements(trust).filter_map(|statement| {
        if !statement["Principal"]["Federated"].is_string() {
            let cloudformation = statement["Principal"]["Service"] == "cloudformation.amazonaws.com";
            return (!cloudformation).then_some("somebody else is trusted");
        }
        let exact = &statement["Condition"]["StringEquals"];
        let claim = |name: &str| texts(&exact[format!("{TOKEN}:{name}")]);
        let subjects = claim("sub");
        let environment = ":environment:${Environment}";
        if subjects.is_empty() || subjects.iter().any(|sub| !sub.ends_with(environment) || sub.contains('*'))
        {
            return Some("any environment is trusted");
        }
        if claim("aud") != ["sts.amazonaws.com"] || claim("repository_id") != ["RepositoryId"] {
            return Some("any repository is trusted");
        }
        let workflow = "${Owner}/${Repository}/.github/workflows/deploy-to.yml@refs/heads/main";
        if claim("ref") != ["refs/heads/main"] || claim("job_workflow_ref") != [workflow] {
            return Some("any branch or workflow is trusted");
        }
        None
    })
}
