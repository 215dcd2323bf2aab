//! The actions that the `Policies` of each function allow.
//!
//! They are read apart from the resources, because nothing that runs locally depends on them. The permissions that SAM
//! adds for triggers and failure destinations are not included.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    error::{Invalid, Notes, Problem, TemplateError},
    evaluate::{Scope, resolvable_text},
    load,
    node::{Entry, Node, Value},
    parameters::Settings,
    resources::kind::{Kind, kind},
    text::Text,
};

/// An action that a policy allows on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllowedAction {
    /// `dynamodb:Query`; may contain wildcards.
    pub action: String,
    /// The resource, with logical ids instead of ARNs: `OrdersTable/index/due` for
    /// `${OrdersTable.Arn}/index/due`.
    pub resource: String,
}

/// The allowed actions of functions, by the functions' logical ids.
type Policies = BTreeMap<String, BTreeSet<AllowedAction>>;

/// The actions that each function of the template at `path` is allowed, by the functions' logical ids.
///
/// # Errors
/// Every statement that is not a plain `Allow` of actions on resources, with its place.
pub fn policies(path: &Path, settings: &Settings) -> Result<Policies, TemplateError> {
    parse(&load::text(path)?, path, settings)
}

fn parse(text: &str, path: &Path, settings: &Settings) -> Result<Policies, TemplateError> {
    let (root, _) = load::tree(text, path)?;
    let scope = Scope::new(&root, settings, Notes::default());
    let mut functions = BTreeMap::new();
    for Entry { key: id, node, .. } in load::present(&root, &scope) {
        let name = scope.notes.valid(node.require("Type").and_then(|name| name.text())).unwrap_or_default();
        if kind(name) == Kind::Function {
            functions.insert(id.clone(), scope.notes.valid(function(&scope, node)).unwrap_or_default());
        }
    }
    load::into_error(scope.notes, Vec::new(), path).map(|()| functions)
}

fn function(scope: &Scope<'_>, resource: &Node) -> Result<BTreeSet<AllowedAction>, Invalid> {
    let property = |key: &str| resource.at(&["Properties", key]).map(|node| scope.evaluate(node));
    if let Some(role) = property("Role") {
        return Err(role.error("a role of its own is not supported: give the function Policies"));
    }
    let mut allowed = BTreeSet::new();
    let policies = property("Policies");
    for policy in list(policies.as_ref()) {
        let Some(statements) = policy.get("Statement") else {
            return Err(policy.error("only statements are supported here: they say what they allow"));
        };
        for statement in list(Some(statements)) {
            allow(statement, &mut allowed)?;
        }
    }
    Ok(allowed)
}

fn allow(statement: &Node, allowed: &mut BTreeSet<AllowedAction>) -> Result<(), Invalid> {
    for Entry { key, at, node } in Node::entries(Some(statement))? {
        let known = match key.as_str() {
            "Sid" | "Action" | "Resource" => true,
            "Effect" => node.text()? == "Allow",
            _ => false,
        };
        if !known {
            let rule = "only Effect: Allow with Action and Resource is supported";
            let message = format!("{key} is not understood here: {rule}");
            return Err(Invalid::Because(Problem::new(*at, message)));
        }
    }
    for action in list(Some(statement.require("Action")?)) {
        for resource in list(Some(statement.require("Resource")?)) {
            let resource = without_arns(&resolvable_text(resource)?);
            allowed.insert(AllowedAction { action: action.text()?.to_owned(), resource });
        }
    }
    Ok(())
}

/// The elements of a list; IAM accepts a single value instead of a list of one.
fn list(node: Option<&Node>) -> &[Node] {
    match node.map(|node| (&node.value, node)) {
        None => &[],
        Some((Value::Sequence(nodes), _)) => nodes,
        Some((_, node)) => std::slice::from_ref(node),
    }
}

/// The text with the names of resources instead of their ARNs.
fn without_arns(resource: &Text) -> String {
    let name = |reference: &crate::text::Reference| Some(reference.resource.clone());
    resource.resolve(name).unwrap_or_else(|reference| reference.resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
Resources:
  Sells:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
        - Statement:
            - {Effect: Allow, Action: ["dynamodb:PutItem", "dynamodb:Query"], Resource: !GetAtt Things.Arn}
            - Effect: Allow
              Action: dynamodb:Query
              Resource: [!Sub "${Things.Arn}/index/by-name"]
        - Statement: {Effect: Allow, Action: "sqs:*", Resource: "*"}
  Rests: {Type: AWS::Serverless::Function}
  Things: {Type: AWS::DynamoDB::Table}
"#;

    fn read(text: &str) -> Result<Policies, TemplateError> {
        parse(text, Path::new("template.yaml"), &Settings::default())
    }

    #[test]
    fn statements_are_resolved_to_actions_on_resources() {
        let functions = read(SMALL).unwrap();
        let texts = functions["Sells"].iter().map(|one| format!("{} {}", one.action, one.resource));
        let expected = [
            "dynamodb:PutItem Things",
            "dynamodb:Query Things",
            "dynamodb:Query Things/index/by-name",
            "sqs:* *",
        ];
        assert_eq!(texts.collect::<Vec<_>>(), expected);
        assert!(functions["Rests"].is_empty());
    }

    #[test]
    fn statements_other_than_plain_allows_are_rejected() {
        let line = |from: &str, to: &str| match read(&SMALL.replace(from, to)) {
            Err(TemplateError::Problems { problems, .. }) => problems[0].at.line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line("Effect: Allow\n", "Effect: Deny\n"), 9);
        assert_eq!(line("Action: \"sqs:*\"", "NotAction: \"sqs:*\""), 12);
        assert_eq!(line("- Statement: {", "- Condition: {"), 12);
        assert_eq!(line("      Policies:\n", "      Role: mine\n      Policies:\n"), 6);
        assert_eq!(
            line("- Statement: {Effect: Allow, Action: \"sqs:*\", Resource: \"*\"}", "- AdministratorAccess"),
            12
        );
    }
}
