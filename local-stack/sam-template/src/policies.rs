//! The actions that the `Policies` of each function allow.
//!
//! They are read apart from the resources, because nothing that runs locally depends on them. The permissions that SAM
//! adds for triggers and failure destinations are not included.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    error::{LineError, TemplateError},
    evaluate::Scope,
    load,
    node::{self, Entry, Node, Value},
    parameters::{self, Settings},
    resources::select,
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

/// The actions that each function of the template at `path` is allowed, by the functions' logical ids.
///
/// # Errors
/// The first statement that is not a plain `Allow` of actions on resources, with its line.
pub fn policies(
    path: &Path,
    settings: &Settings,
) -> Result<BTreeMap<String, BTreeSet<AllowedAction>>, TemplateError> {
    let root = node::parse(&load::text(path)?).map_err(|error| error.in_file(path))?;
    let values = parameters::values(&root, settings).map_err(|problem| problem.in_file(path))?;
    read(&root, values).map_err(|error| error.in_file(path))
}

fn read(
    root: &Node,
    values: BTreeMap<String, String>,
) -> Result<BTreeMap<String, BTreeSet<AllowedAction>>, LineError> {
    let scope = load::scope(root, values)?;
    let mut functions = BTreeMap::new();
    for Entry { key: id, node, line } in load::present(root, &scope)? {
        if node.require("Type")?.text()? != "AWS::Serverless::Function" {
            continue;
        }
        let properties = select(&scope, node.get("Properties"), &["Policies", "Role"], *line)?;
        if let Some(role) = properties.get("Role") {
            return Err(role.error("a role of its own is not supported: give the function Policies"));
        }
        let mut allowed = BTreeSet::new();
        for policy in list(properties.get("Policies")) {
            let Some(statements) = policy.get("Statement") else {
                return Err(policy.error("only statements are supported here: they say what they allow"));
            };
            for statement in list(Some(statements)) {
                allow(&scope, statement, &mut allowed)?;
            }
        }
        functions.insert(id.clone(), allowed);
    }
    Ok(functions)
}

fn allow(scope: &Scope, statement: &Node, allowed: &mut BTreeSet<AllowedAction>) -> Result<(), LineError> {
    for Entry { key, line, node } in Node::entries(Some(statement))? {
        let known = match key.as_str() {
            "Sid" | "Action" | "Resource" => true,
            "Effect" => node.text()? == "Allow",
            _ => false,
        };
        if !known {
            let rule = "only Effect: Allow with Action and Resource is supported";
            return Err(LineError::new(*line, format!("{key} is not understood here: {rule}")));
        }
    }
    for action in list(Some(statement.require("Action")?)) {
        for resource in list(Some(statement.require("Resource")?)) {
            let resource = without_arns(&scope.resolvable_text(resource)?);
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

    fn read(text: &str) -> Result<BTreeMap<String, BTreeSet<AllowedAction>>, LineError> {
        super::read(&node::parse(text)?, BTreeMap::new())
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
        let line = |from: &str, to: &str| read(&SMALL.replace(from, to)).unwrap_err().line;
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
