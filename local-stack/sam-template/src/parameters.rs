//! The values of a template's parameters.

use std::{collections::BTreeMap, path::Path};

use crate::{
    error::{LineError, TemplateError},
    node::{Entry, Node},
};

/// The values that a template is evaluated with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The value of `AWS::Region`.
    pub region: String,
    /// The value of `AWS::AccountId`, twelve digits.
    pub account_id: String,
    /// The value of `AWS::StackName`.
    pub stack_name: String,
    /// Values for the template's parameters, instead of their defaults.
    pub parameters: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            stack_name: "local".to_owned(),
            parameters: BTreeMap::new(),
        }
    }
}

/// Why a parameter has no value.
pub(crate) enum ParametersError {
    Line(LineError),
    Parameter(String),
}

impl ParametersError {
    pub(crate) fn in_file(self, path: &Path) -> TemplateError {
        match self {
            Self::Line(error) => error.in_file(path),
            Self::Parameter(message) => TemplateError::Parameter(message),
        }
    }
}

impl From<LineError> for ParametersError {
    fn from(error: LineError) -> Self {
        Self::Line(error)
    }
}

/// The values of the template's parameters and of the pseudo parameters.
///
/// # Errors
/// A parameter that is not declared, has no value, or is not allowed.
pub(crate) fn values(root: &Node, settings: &Settings) -> Result<BTreeMap<String, String>, ParametersError> {
    let declared = Node::entries(root.get("Parameters"))?;
    for name in settings.parameters.keys() {
        if !declared.iter().any(|entry| entry.key == *name) {
            let names: Vec<_> = declared.iter().map(|entry| entry.key.as_str()).collect();
            let known = names.join(", ");
            return Err(ParametersError::Parameter(format!(
                "the template has no parameter {name}; it has: {known}"
            )));
        }
    }
    let mut values = BTreeMap::from([
        ("AWS::Region".to_owned(), settings.region.clone()),
        ("AWS::AccountId".to_owned(), settings.account_id.clone()),
        ("AWS::StackName".to_owned(), settings.stack_name.clone()),
        ("AWS::Partition".to_owned(), "aws".to_owned()),
        ("AWS::URLSuffix".to_owned(), "amazonaws.com".to_owned()),
    ]);
    for Entry { key, node, .. } in declared {
        let value = match (settings.parameters.get(key), node.get("Default")) {
            (Some(given), _) => given.clone(),
            (None, Some(default)) => default.text()?.to_owned(),
            (None, None) => {
                let message =
                    format!("the parameter {key} has no default: give it with --parameter {key}=VALUE");
                return Err(ParametersError::Parameter(message));
            }
        };
        let allowed = Node::texts(node.get("AllowedValues"))?;
        if !allowed.is_empty() && !allowed.contains(&value) {
            let allowed = allowed.join(", ");
            return Err(ParametersError::Parameter(format!(
                "the parameter {key} is {value:?}, but must be one of: {allowed}"
            )));
        }
        values.insert(key.clone(), value);
    }
    Ok(values)
}
