//! Parameters, conditions and intrinsic functions.
//!
//! The rules are CloudFormation's:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

mod conditions;
mod once;
mod resource_values;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::once::Once;
pub use self::resource_values::HTTP_API_ID;
pub(crate) use self::resource_values::IMPLICIT_API;
use crate::{
    error::{Invalid, Notes, Problem},
    node::{Entry, Node, Value},
    parameters::{ParameterValue, Settings},
    text::Text,
};

const SUPPORTED: &str = "Ref, Fn::GetAtt, Fn::Sub, Fn::If, Fn::Equals, Fn::Not, Fn::And, Fn::Or, Fn::Join, Fn::Select, \
                         Fn::Split, Fn::FindInMap and Condition";

/// The names that a template defines, and the problems that have been found in it.
#[derive(Debug, Default)]
pub(crate) struct Scope<'root> {
    pub(crate) settings: Settings,
    /// Parameters and pseudo parameters.
    pub(crate) values: BTreeMap<String, ParameterValue>,
    pub(crate) conditions: BTreeMap<String, &'root Node>,
    pub(crate) mappings: Option<&'root Node>,
    /// The resources by their logical ids.
    pub(crate) resources: BTreeMap<String, &'root Node>,
    pub(crate) notes: Notes,
    evaluated_conditions: Once<bool>,
    resource_names: Once<String>,
}

impl<'root> Scope<'root> {
    /// The names of a template. What is wrong with its parameters is noted.
    pub(crate) fn new(root: &'root Node, settings: &Settings, notes: Notes) -> Self {
        let section = |key: &str| notes.valid(Node::entries(root.get(key))).unwrap_or_default();
        let named =
            |entries: &'root [Entry]| entries.iter().map(|entry| (entry.key.clone(), &entry.node)).collect();
        Self {
            settings: settings.clone(),
            values: crate::parameters::values(root, settings, &notes),
            conditions: named(section("Conditions")),
            mappings: root.get("Mappings"),
            resources: named(section("Resources")),
            notes,
            ..Self::default()
        }
    }

    /// The node with every intrinsic function replaced by its value. Members that are `AWS::NoValue` are left out. What
    /// has no value is noted, and [`Value::Invalid`].
    pub(crate) fn evaluate(&self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Mapping(entries) => match entries.as_slice() {
                [entry] if is_intrinsic(&entry.key) => {
                    let evaluated = self.intrinsic(entry).and_then(without_dynamic_references);
                    let invalid = Node::new(node.at, Value::Invalid);
                    return self.notes.valid(evaluated).unwrap_or(invalid);
                }
                entries => {
                    let entry = |entry: &Entry| {
                        let node = self.evaluate(&entry.node);
                        (node.value != Value::Null).then(|| Entry { node, key: entry.key.clone(), ..*entry })
                    };
                    Value::Mapping(entries.iter().filter_map(entry).collect())
                }
            },
            Value::Sequence(nodes) => {
                let nodes = nodes.iter().map(|node| self.evaluate(node));
                Value::Sequence(nodes.filter(|node| node.value != Value::Null).collect())
            }
            _ => {
                let evaluated = self.notes.valid(without_dynamic_references(node.clone()));
                return evaluated.unwrap_or(Node::new(node.at, Value::Invalid));
            }
        };
        Node { at: node.at, value }
    }

    fn intrinsic(&self, Entry { key, at, node }: &Entry) -> Result<Node, Invalid> {
        let value = match key.as_str() {
            "Ref" => self.reference(node)?,
            "Fn::GetAtt" => simplify(self.attribute(node)?),
            "Fn::Sub" => simplify(self.substitute(node)?),
            "Fn::Join" => simplify(self.join(node)?),
            "Fn::If" => {
                let [condition, yes, no] = arguments(node)?;
                let chosen = if self.condition(condition.text()?, condition.at)? { yes } else { no };
                return Ok(self.evaluate(chosen));
            }
            "Fn::Select" => {
                let [index, list] = arguments(node)?;
                let index: usize = self.evaluate(index).number()?;
                let list = self.evaluate(list);
                let chosen = Node::elements(Some(&list))?.get(index);
                return chosen.cloned().ok_or_else(|| list.error(format!("the list has no element {index}")));
            }
            "Fn::Split" => {
                let [separator, text] = arguments(node)?;
                let text = self.evaluate(text);
                let parts = text.text()?.split(separator.text()?);
                Value::Sequence(parts.map(|part| Node::scalar(*at, part)).collect())
            }
            "Fn::FindInMap" => {
                let [map, first, second] = arguments(node)?;
                let (map, first, second) = (self.evaluate(map), self.evaluate(first), self.evaluate(second));
                let path = [map.text()?, first.text()?, second.text()?];
                let found = self.mappings.and_then(|mappings| mappings.at(&path));
                return found
                    .cloned()
                    .ok_or_else(|| node.error(format!("Mappings has no {}", path.join("."))));
            }
            "Condition" | "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => {
                Value::Scalar(self.condition_function(key, *at, node)?.to_string())
            }
            other => {
                let message = format!("{other} is not supported here: use {SUPPORTED}");
                return Err(Invalid::Because(Problem::new(*at, message)));
            }
        };
        Ok(Node { at: *at, value })
    }

    fn reference(&self, node: &Node) -> Result<Value, Invalid> {
        let name = node.text()?;
        match self.values.get(name) {
            _ if name == "AWS::NoValue" => Ok(Value::Null),
            Some(ParameterValue::List(elements)) => {
                Ok(Value::Sequence(elements.iter().map(|element| Node::scalar(node.at, element)).collect()))
            }
            _ => Ok(simplify(self.value_of(name, node)?)),
        }
    }

    /// The value of a parameter, or of `Ref` for a resource.
    fn value_of(&self, name: &str, node: &Node) -> Result<Text, Invalid> {
        match self.values.get(name) {
            Some(ParameterValue::Text(value)) => Ok(Text::literal(value)),
            Some(ParameterValue::List(elements)) => Ok(Text::literal(elements.join(","))),
            Some(ParameterValue::Invalid) => Err(Invalid::Noted),
            None => self.resource_value(name, None, node.at),
        }
    }

    fn attribute(&self, node: &Node) -> Result<Text, Invalid> {
        let (resource, attribute) = match &node.value {
            Value::Scalar(path) => path
                .split_once('.')
                .map(|(resource, attribute)| (resource.to_owned(), attribute.to_owned()))
                .ok_or_else(|| node.error("expected Resource.Attribute"))?,
            _ => {
                let [resource, attribute] = arguments(node)?;
                (resource.text()?.to_owned(), self.evaluate(attribute).text()?.to_owned())
            }
        };
        self.resource_value(&resource, Some(&attribute), node.at)
    }

    /// Replaces `${Name}`, `${Resource.Attribute}`, `${!Literal}` and the variables of the long form.
    fn substitute(&self, node: &Node) -> Result<Text, Invalid> {
        let (format, variables) = match &node.value {
            Value::Sequence(_) => {
                let [format, variables] = arguments(node)?;
                (format, Some(variables))
            }
            _ => (node, None),
        };
        let mut rest = format.text()?;
        let mut text = Text::default();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| format.error("a ${ has no }"))?;
            let name = name.trim();
            text.push(Text::literal(before));
            text.push(if let Some(literal) = name.strip_prefix('!') {
                Text::literal(format!("${{{literal}}}"))
            } else if let Some(variable) = variables.and_then(|variables| variables.get(name)) {
                resolvable_text(&self.evaluate(variable))?
            } else if let Some((resource, attribute)) = name.split_once('.') {
                self.resource_value(resource, Some(attribute), format.at)?
            } else {
                self.value_of(name, format)?
            });
            rest = after;
        }
        text.push(Text::literal(rest));
        Ok(text)
    }

    fn join(&self, node: &Node) -> Result<Text, Invalid> {
        let [separator, list] = arguments(node)?;
        let list = self.evaluate(list);
        let mut text = Text::default();
        for (index, element) in Node::elements(Some(&list))?.iter().enumerate() {
            if index > 0 {
                text.push(Text::literal(separator.text()?));
            }
            text.push(resolvable_text(element)?);
        }
        Ok(text)
    }
}

/// An evaluated node as a text that may refer to resources.
pub(crate) fn resolvable_text(node: &Node) -> Result<Text, Invalid> {
    match &node.value {
        Value::Unresolved(text) => Ok(text.clone()),
        _ => node.text().map(Text::literal),
    }
}

/// `CloudFormation` replaces dynamic references when it deploys; functions would get their text.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>
fn without_dynamic_references(node: Node) -> Result<Node, Invalid> {
    let has = match &node.value {
        Value::Scalar(text) => text.contains("{{resolve:"),
        Value::Unresolved(text) => text.literals().contains("{{resolve:"),
        _ => false,
    };
    if has {
        let rule = "there are no parameters of SSM and no secrets here";
        let hint = "take the value from a parameter of the template, and give it with --parameter NAME=VALUE";
        return Err(node.error(format!("{{{{resolve:...}}}} has no value: {rule}. Instead, {hint}")));
    }
    Ok(node)
}

fn is_intrinsic(key: &str) -> bool {
    matches!(key, "Ref" | "Condition") || key.starts_with("Fn::")
}

/// A text without references is a plain value.
fn simplify(text: Text) -> Value {
    match text.as_literal() {
        Some(literal) => Value::Scalar(literal),
        None => Value::Unresolved(text),
    }
}

fn arguments<const N: usize>(node: &Node) -> Result<[&Node; N], Invalid> {
    let nodes = Node::elements(Some(node))?;
    let nodes: Vec<&Node> = nodes.iter().collect();
    nodes.try_into().map_err(|_| node.error(format!("expected a list of {N} values")))
}
