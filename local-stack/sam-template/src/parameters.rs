//! The values of a template's parameters.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>

use std::collections::BTreeMap;

use crate::{
    error::{Invalid, Notes, Position},
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

/// What a parameter stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParameterValue {
    Text(String),
    List(Vec<String>),
    /// It has no value that can be used; the reason is noted.
    Invalid,
}

/// The kinds of types that parameters have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    List,
    Numbers,
    /// `AWS::SSM::Parameter::Value<...>`: `CloudFormation` reads the value from SSM.
    Stored {
        list: bool,
    },
}

/// The values of the template's parameters and of the pseudo parameters. What is wrong with them is noted.
pub(crate) fn values(root: &Node, settings: &Settings, notes: &Notes) -> BTreeMap<String, ParameterValue> {
    let declared = notes.valid(Node::entries(root.get("Parameters"))).unwrap_or_default();
    for name in settings.parameters.keys() {
        if !declared.iter().any(|entry| entry.key == *name) {
            let names: Vec<_> = declared.iter().map(|entry| entry.key.as_str()).collect();
            let at = root.get("Parameters").map_or(Position { line: 1, column: 1 }, |node| node.at);
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            notes.problem(at, format!("the template has no parameter {name}; it has: {known}"));
        }
    }
    let mut values = pseudo_parameters(settings);
    for entry in declared {
        let value = notes.valid(value(entry, settings.parameters.get(&entry.key), notes));
        values.insert(entry.key.clone(), value.unwrap_or(ParameterValue::Invalid));
    }
    values
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html>
fn pseudo_parameters(settings: &Settings) -> BTreeMap<String, ParameterValue> {
    let Settings { region, account_id, stack_name, .. } = settings;
    let stack = format!(
        "arn:aws:cloudformation:{region}:{account_id}:stack/{stack_name}/00000000-0000-0000-0000-000000000000"
    );
    let texts = [
        ("AWS::Region", region.as_str()),
        ("AWS::AccountId", account_id),
        ("AWS::StackName", stack_name),
        ("AWS::StackId", &stack),
        ("AWS::Partition", "aws"),
        ("AWS::URLSuffix", "amazonaws.com"),
    ];
    let texts = texts.map(|(name, value)| (name.to_owned(), ParameterValue::Text(value.to_owned())));
    let mut values = BTreeMap::from(texts);
    values.insert("AWS::NotificationARNs".to_owned(), ParameterValue::List(Vec::new()));
    values
}

fn value(entry: &Entry, given: Option<&String>, notes: &Notes) -> Result<ParameterValue, Invalid> {
    let Entry { key, at, node } = entry;
    let kind = kind(node.require("Type")?)?;
    let text = match (given, node.get("Default")) {
        (Some(given), _) => given,
        (None, Some(_)) if matches!(kind, Kind::Stored { .. }) => {
            let rule = "CloudFormation reads it from SSM, and there is no SSM here";
            notes.problem(*at, format!("the parameter {key} has no value: {rule}. Give the value itself with --parameter {key}=VALUE"));
            return Err(Invalid::Noted);
        }
        (None, Some(default)) => default.text()?,
        (None, None) => {
            notes.problem(
                *at,
                format!("the parameter {key} has no default: give it with --parameter {key}=VALUE"),
            );
            return Err(Invalid::Noted);
        }
    };
    check(entry, kind, text)?;
    Ok(match kind {
        Kind::Text | Kind::Number | Kind::Stored { list: false } => ParameterValue::Text(text.to_owned()),
        Kind::List | Kind::Numbers | Kind::Stored { list: true } => ParameterValue::List(elements(text)),
    })
}

/// `CloudFormation` removes the spaces around each element.
fn elements(text: &str) -> Vec<String> {
    if text.is_empty() {
        Vec::new()
    } else {
        text.split(',').map(|element| element.trim().to_owned()).collect()
    }
}

fn kind(node: &Node) -> Result<Kind, Invalid> {
    Ok(match node.text()? {
        "String" | "AWS::SSM::Parameter::Name" => Kind::Text,
        "Number" => Kind::Number,
        "CommaDelimitedList" | "List<String>" => Kind::List,
        "List<Number>" => Kind::Numbers,
        name if name.starts_with("AWS::SSM::Parameter::Value<") => {
            let list = name.contains("<List<") || name.contains("<CommaDelimitedList");
            Kind::Stored { list }
        }
        name if name.starts_with("List<AWS::") => Kind::List,
        name if name.starts_with("AWS::EC2::") || name.starts_with("AWS::Route53::") => Kind::Text,
        other => {
            let known = "String, Number, CommaDelimitedList, List<Number> and the types of AWS";
            return Err(node.error(format!("{other} is not a type of parameters: {known} are")));
        }
    })
}

/// The constraints that the template sets. Its `AllowedPattern` is not checked.
fn check(Entry { key, at, node }: &Entry, kind: Kind, text: &str) -> Result<(), Invalid> {
    let hidden = node.get("NoEcho").map(Node::boolean).transpose()?.unwrap_or_default();
    let shown = if hidden { "hidden".to_owned() } else { format!("{text:?}") };
    let wrong = |rule: String| {
        Invalid::Because(crate::Problem::new(
            *at,
            format!("the parameter {key} is {shown}, but must be {rule}"),
        ))
    };
    let values =
        if matches!(kind, Kind::List | Kind::Numbers) { elements(text) } else { vec![text.to_owned()] };
    let numbers: Vec<f64> = values.iter().filter_map(|value| value.parse().ok()).collect();
    if matches!(kind, Kind::Number | Kind::Numbers) && numbers.len() < values.len() {
        return Err(wrong("a number".to_owned()));
    }
    let allowed = Node::texts(node.get("AllowedValues"))?;
    if !allowed.is_empty() && !values.iter().all(|value| allowed.contains(value)) {
        return Err(wrong(format!("one of: {}", allowed.join(", "))));
    }
    let bound = |key: &str| node.get(key).map(Node::number::<f64>).transpose();
    let (least, most) = (bound("MinValue")?, bound("MaxValue")?);
    if matches!(kind, Kind::Number)
        && !numbers.iter().all(|number| {
            least.is_none_or(|least| *number >= least) && most.is_none_or(|most| *number <= most)
        })
    {
        return Err(wrong(range("", least, most)));
    }
    let (shortest, longest) = (bound("MinLength")?, bound("MaxLength")?);
    let length = f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX));
    if shortest.is_some_and(|shortest| length < shortest) || longest.is_some_and(|longest| length > longest) {
        return Err(wrong(range(" characters long", shortest, longest)));
    }
    Ok(())
}

fn range(what: &str, least: Option<f64>, most: Option<f64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}{what}"),
        (Some(least), None) => format!("at least {least}{what}"),
        (None, Some(most)) => format!("at most {most}{what}"),
        (None, None) => String::new(),
    }
}
