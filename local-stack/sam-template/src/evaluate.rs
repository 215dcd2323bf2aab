//! Parameters, conditions and intrinsic functions.
//!
//! The rules are CloudFormation's:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

#[cfg(test)]
mod tests;

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    error::LineError,
    node::{Entry, Node, Value},
    text::Text,
};

const SUPPORTED: &str = "Ref, Fn::GetAtt, Fn::Sub, Fn::If, Fn::Equals, Fn::Not, Fn::And, Fn::Or, Fn::Join, Fn::Select, \
                         Fn::Split, Fn::FindInMap and Condition";

/// The names that a template defines.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Parameters and pseudo parameters.
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) conditions: BTreeMap<String, Node>,
    pub(crate) mappings: Option<Node>,
    pub(crate) resources: BTreeSet<String>,
    /// How many conditions are being evaluated, each because the one before depends on it.
    pub(crate) depth: Cell<usize>,
}

impl Scope {
    /// The node with every intrinsic function replaced by its value. Members that are `AWS::NoValue` are left out.
    pub(crate) fn evaluate(&self, node: &Node) -> Result<Node, LineError> {
        let value = match &node.value {
            Value::Mapping(entries) => match entries.as_slice() {
                [entry] if is_intrinsic(&entry.key) => return self.intrinsic(entry),
                entries => {
                    let mut evaluated = Vec::with_capacity(entries.len());
                    for entry in entries {
                        let node = self.evaluate(&entry.node)?;
                        if node.value != Value::Null {
                            evaluated.push(Entry { key: entry.key.clone(), line: entry.line, node });
                        }
                    }
                    Value::Mapping(evaluated)
                }
            },
            Value::Sequence(nodes) => {
                let mut evaluated = Vec::with_capacity(nodes.len());
                for node in nodes {
                    let node = self.evaluate(node)?;
                    if node.value != Value::Null {
                        evaluated.push(node);
                    }
                }
                Value::Sequence(evaluated)
            }
            other => other.clone(),
        };
        Ok(Node { line: node.line, value })
    }

    fn intrinsic(&self, Entry { key, line, node }: &Entry) -> Result<Node, LineError> {
        let value = match key.as_str() {
            "Ref" => self.reference(node)?,
            "Fn::GetAtt" => Value::Unresolved(self.attribute(node)?),
            "Fn::Sub" => simplify(self.substitute(node)?),
            "Fn::Join" => simplify(self.join(node)?),
            "Fn::If" => {
                let [condition, yes, no] = arguments(node)?;
                let chosen = if self.condition(condition.text()?, condition.line)? { yes } else { no };
                return self.evaluate(chosen);
            }
            "Fn::Select" => {
                let [index, list] = arguments(node)?;
                let index: usize = self.evaluate(index)?.number()?;
                let list = self.evaluate(list)?;
                let chosen = Node::elements(Some(&list))?.get(index);
                return chosen.cloned().ok_or_else(|| list.error(format!("the list has no element {index}")));
            }
            "Fn::Split" => {
                let [separator, text] = arguments(node)?;
                let text = self.evaluate(text)?;
                let parts = text.text()?.split(separator.text()?);
                Value::Sequence(
                    parts.map(|part| Node { line: *line, value: Value::Scalar(part.to_owned()) }).collect(),
                )
            }
            "Fn::FindInMap" => {
                let [map, first, second] = arguments(node)?;
                let (map, first, second) =
                    (self.evaluate(map)?, self.evaluate(first)?, self.evaluate(second)?);
                let path = [map.text()?, first.text()?, second.text()?];
                let found = self.mappings.as_ref().and_then(|mappings| mappings.at(&path));
                return found
                    .cloned()
                    .ok_or_else(|| node.error(format!("Mappings has no {}", path.join("."))));
            }
            "Condition" | "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => {
                let holds =
                    self.holds(&Node { line: *line, value: Value::Mapping(vec![entry(key, node)]) })?;
                Value::Scalar(holds.to_string())
            }
            other => {
                return Err(LineError::new(*line, format!("{other} is not supported here: use {SUPPORTED}")));
            }
        };
        Ok(Node { line: *line, value })
    }

    fn reference(&self, node: &Node) -> Result<Value, LineError> {
        let name = node.text()?;
        if name == "AWS::NoValue" {
            return Ok(Value::Null);
        }
        Ok(simplify(self.value_of(name, node)?))
    }

    /// The value of a parameter, or a reference to a resource.
    fn value_of(&self, name: &str, node: &Node) -> Result<Text, LineError> {
        if let Some(value) = self.values.get(name) {
            Ok(Text::literal(value))
        } else if self.resources.contains(name) {
            Ok(Text::reference(name, None))
        } else {
            Err(node.error(format!("{name} is neither a parameter nor a resource of this template")))
        }
    }

    fn attribute(&self, node: &Node) -> Result<Text, LineError> {
        let (resource, attribute) = match &node.value {
            Value::Scalar(path) => path
                .split_once('.')
                .map(|(resource, attribute)| (resource.to_owned(), attribute.to_owned()))
                .ok_or_else(|| node.error("expected Resource.Attribute"))?,
            _ => {
                let [resource, attribute] = arguments(node)?;
                (resource.text()?.to_owned(), attribute.text()?.to_owned())
            }
        };
        self.attribute_of(&resource, &attribute, node)
    }

    fn attribute_of(&self, resource: &str, attribute: &str, node: &Node) -> Result<Text, LineError> {
        if self.resources.contains(resource) {
            Ok(Text::reference(resource, Some(attribute)))
        } else {
            Err(node.error(format!("{resource} is not a resource of this template")))
        }
    }

    /// Replaces `${Name}`, `${Resource.Attribute}`, `${!Literal}` and the variables of the long form.
    fn substitute(&self, node: &Node) -> Result<Text, LineError> {
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
            text.push(Text::literal(before));
            text.push(if let Some(literal) = name.strip_prefix('!') {
                Text::literal(format!("${{{literal}}}"))
            } else if let Some(variable) = variables.and_then(|variables| variables.get(name)) {
                self.resolvable_text(&self.evaluate(variable)?)?
            } else if let Some((resource, attribute)) = name.split_once('.') {
                self.attribute_of(resource, attribute, format)?
            } else {
                self.value_of(name, format)?
            });
            rest = after;
        }
        text.push(Text::literal(rest));
        Ok(text)
    }

    fn join(&self, node: &Node) -> Result<Text, LineError> {
        let [separator, list] = arguments(node)?;
        let list = self.evaluate(list)?;
        let mut text = Text::default();
        for (index, element) in Node::elements(Some(&list))?.iter().enumerate() {
            if index > 0 {
                text.push(Text::literal(separator.text()?));
            }
            text.push(self.resolvable_text(element)?);
        }
        Ok(text)
    }

    /// An evaluated node as a text that may refer to resources.
    pub(crate) fn resolvable_text(&self, node: &Node) -> Result<Text, LineError> {
        match &node.value {
            Value::Unresolved(text) => Ok(text.clone()),
            _ => node.text().map(Text::literal),
        }
    }

    /// The value of a condition.
    pub(crate) fn condition(&self, name: &str, line: usize) -> Result<bool, LineError> {
        let node = self.conditions.get(name);
        let node =
            node.ok_or_else(|| LineError::new(line, format!("{name} is not a condition of this template")))?;
        // A chain that is longer than the number of conditions contains one of them twice.
        if self.depth.get() >= self.conditions.len() {
            return Err(node.error(format!("the condition {name} depends on itself")));
        }
        self.depth.set(self.depth.get() + 1);
        let holds = self.holds(node);
        self.depth.set(self.depth.get() - 1);
        holds
    }

    fn holds(&self, node: &Node) -> Result<bool, LineError> {
        let Value::Mapping(entries) = &node.value else {
            return Err(node.error("expected a condition function"));
        };
        let [Entry { key, node, .. }] = entries.as_slice() else {
            return Err(node.error("expected one condition function"));
        };
        match key.as_str() {
            "Condition" => self.condition(node.text()?, node.line),
            "Fn::Equals" => {
                let [left, right] = arguments(node)?;
                Ok(self.evaluate(left)?.value == self.evaluate(right)?.value)
            }
            "Fn::Not" => {
                let [condition] = arguments(node)?;
                Ok(!self.holds(condition)?)
            }
            "Fn::And" | "Fn::Or" => {
                let mut all = true;
                let mut any = false;
                for condition in Node::elements(Some(node))? {
                    let holds = self.holds(condition)?;
                    all &= holds;
                    any |= holds;
                }
                Ok(if key == "Fn::And" { all } else { any })
            }
            other => Err(node.error(format!("{other} is not a condition function"))),
        }
    }
}

fn is_intrinsic(key: &str) -> bool {
    matches!(key, "Ref" | "Condition") || key.starts_with("Fn::")
}

fn entry(key: &str, node: &Node) -> Entry {
    Entry { key: key.to_owned(), line: node.line, node: node.clone() }
}

/// A text without references is a plain value.
fn simplify(text: Text) -> Value {
    match text.as_literal() {
        Some(literal) => Value::Scalar(literal),
        None => Value::Unresolved(text),
    }
}

fn arguments<const N: usize>(node: &Node) -> Result<[&Node; N], LineError> {
    let nodes = Node::elements(Some(node))?;
    let nodes: Vec<&Node> = nodes.iter().collect();
    nodes.try_into().map_err(|_| node.error(format!("expected a list of {N} values")))
}
