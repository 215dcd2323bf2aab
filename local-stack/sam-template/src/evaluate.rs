//! Parameters, conditions and intrinsic functions.
//!
//! The rules are CloudFormation's:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

mod conditions;

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    error::Fault,
    node::{Entry, Node, Value},
    text::Text,
};

const SUPPORTED: &str = "Ref, Fn::GetAtt, Fn::Sub, Fn::If, Fn::Equals, Fn::Not, Fn::And, Fn::Or, Fn::Join, Fn::Select, \
                         Fn::Split, Fn::FindInMap and Condition";

/// What names stand for.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Parameters and pseudo parameters.
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) conditions: BTreeMap<String, Node>,
    pub(crate) mappings: Option<Node>,
    pub(crate) resources: BTreeSet<String>,
    /// How many conditions are being looked at, each for the sake of the one before.
    pub(crate) asked: Cell<usize>,
}

impl Scope {
    /// The node with every intrinsic function replaced by its value. Members that are `AWS::NoValue` are left out.
    pub(crate) fn evaluate(&self, node: &Node) -> Result<Node, Fault> {
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

    fn intrinsic(&self, Entry { key, line, node }: &Entry) -> Result<Node, Fault> {
        let value = match key.as_str() {
            "Ref" => self.reference(node)?,
            "Fn::GetAtt" => Value::Late(self.attribute(node)?),
            "Fn::Sub" => settle(self.substitute(node)?),
            "Fn::Join" => settle(self.join(node)?),
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
                return chosen.cloned().ok_or_else(|| list.fault(format!("the list has no element {index}")));
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
                    .ok_or_else(|| node.fault(format!("Mappings has no {}", path.join("."))));
            }
            "Condition" | "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => {
                let holds =
                    self.holds(&Node { line: *line, value: Value::Mapping(vec![entry(key, node)]) })?;
                Value::Scalar(holds.to_string())
            }
            other => {
                return Err(Fault::new(*line, format!("{other} is not supported here: use {SUPPORTED}")));
            }
        };
        Ok(Node { line: *line, value })
    }

    fn reference(&self, node: &Node) -> Result<Value, Fault> {
        let name = node.text()?;
        if name == "AWS::NoValue" {
            return Ok(Value::Null);
        }
        Ok(settle(self.named(name, node)?))
    }

    /// The value of a parameter, or a late reference to a resource.
    fn named(&self, name: &str, node: &Node) -> Result<Text, Fault> {
        if let Some(value) = self.values.get(name) {
            Ok(Text::literal(value))
        } else if self.resources.contains(name) {
            Ok(Text::reference(name, None))
        } else {
            Err(node.fault(format!("{name} is neither a parameter nor a resource of this template")))
        }
    }

    fn attribute(&self, node: &Node) -> Result<Text, Fault> {
        let (resource, attribute) = match &node.value {
            Value::Scalar(path) => path
                .split_once('.')
                .map(|(resource, attribute)| (resource.to_owned(), attribute.to_owned()))
                .ok_or_else(|| node.fault("expected Resource.Attribute"))?,
            _ => {
                let [resource, attribute] = arguments(node)?;
                (resource.text()?.to_owned(), attribute.text()?.to_owned())
            }
        };
        self.attribute_of(&resource, &attribute, node)
    }

    fn attribute_of(&self, resource: &str, attribute: &str, node: &Node) -> Result<Text, Fault> {
        if self.resources.contains(resource) {
            Ok(Text::reference(resource, Some(attribute)))
        } else {
            Err(node.fault(format!("{resource} is not a resource of this template")))
        }
    }

    /// `${Name}`, `${Resource.Attribute}`, `${!Literal}`, and the variables of the long form.
    fn substitute(&self, node: &Node) -> Result<Text, Fault> {
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
            let (name, after) = after.split_once('}').ok_or_else(|| format.fault("a ${ has no }"))?;
            text.push(Text::literal(before));
            text.push(if let Some(literal) = name.strip_prefix('!') {
                Text::literal(format!("${{{literal}}}"))
            } else if let Some(variable) = variables.and_then(|variables| variables.get(name)) {
                self.late(&self.evaluate(variable)?)?
            } else if let Some((resource, attribute)) = name.split_once('.') {
                self.attribute_of(resource, attribute, format)?
            } else {
                self.named(name, format)?
            });
            rest = after;
        }
        text.push(Text::literal(rest));
        Ok(text)
    }

    fn join(&self, node: &Node) -> Result<Text, Fault> {
        let [separator, list] = arguments(node)?;
        let list = self.evaluate(list)?;
        let mut text = Text::default();
        for (index, element) in Node::elements(Some(&list))?.iter().enumerate() {
            if index > 0 {
                text.push(Text::literal(separator.text()?));
            }
            text.push(self.late(element)?);
        }
        Ok(text)
    }

    /// An evaluated node as a text that may refer to resources.
    pub(crate) fn late(&self, node: &Node) -> Result<Text, Fault> {
        match &node.value {
            Value::Late(text) => Ok(text.clone()),
            _ => node.text().map(Text::literal),
        }
    }
}

fn is_intrinsic(key: &str) -> bool {
    matches!(key, "Ref" | "Condition") || key.starts_with("Fn::")
}

fn entry(key: &str, node: &Node) -> Entry {
    Entry { key: key.to_owned(), line: node.line, node: node.clone() }
}

/// A text that refers to nothing is a plain value.
fn settle(text: Text) -> Value {
    match text.as_literal() {
        Some(literal) => Value::Scalar(literal),
        None => Value::Late(text),
    }
}

fn arguments<const N: usize>(node: &Node) -> Result<[&Node; N], Fault> {
    let nodes = Node::elements(Some(node))?;
    let nodes: Vec<&Node> = nodes.iter().collect();
    nodes.try_into().map_err(|_| node.fault(format!("expected a list of {N} values")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{node::parse, text::Reference};

    fn scope() -> Scope {
        let conditions = parse("Prod: !Equals [!Ref Stage, prod]\nNotProd: !Not [!Condition Prod]").unwrap();
        let Value::Mapping(entries) = conditions.value else { panic!() };
        Scope {
            values: BTreeMap::from([
                ("Stage".to_owned(), "dev".to_owned()),
                ("AWS::Region".to_owned(), "eu-west-1".to_owned()),
            ]),
            conditions: entries.into_iter().map(|entry| (entry.key, entry.node)).collect(),
            mappings: Some(parse("Sizes: {dev: {memory: 128}}").unwrap()),
            resources: BTreeSet::from(["Queue".to_owned()]),
            asked: Cell::new(0),
        }
    }

    fn evaluate(yaml: &str) -> Result<Node, Fault> {
        scope().evaluate(&parse(yaml).unwrap()).map(|node| node.get("x").cloned().unwrap_or(node))
    }

    fn text(yaml: &str) -> String {
        evaluate(yaml).unwrap().text().unwrap().to_owned()
    }

    #[test]
    fn each_function_has_cloudformations_value() {
        assert_eq!(text("x: !Ref Stage"), "dev");
        assert_eq!(text("x: {Ref: Stage}"), "dev");
        assert_eq!(text("x: !Sub '${Stage}-${AWS::Region}-${!Raw}'"), "dev-eu-west-1-${Raw}");
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
    fn references_to_resources_stay_late() {
        let node = evaluate("x: !Sub 'url=${Queue}&arn=${Queue.Arn}'").unwrap();
        let Value::Late(late) = node.value else { panic!("{node:?}") };
        let name = |reference: &Reference| reference.attribute.clone().or(Some("ref".to_owned()));
        assert_eq!(late.resolve(name).unwrap(), "url=ref&arn=Arn");
        assert!(evaluate("x: !GetAtt Queue.Arn").unwrap().text().is_err());
    }

    #[test]
    fn no_value_leaves_the_member_out() {
        assert!(evaluate("y: !Ref AWS::NoValue\nz: 1").unwrap().get("y").is_none());
    }

    #[test]
    fn what_is_unknown_names_its_line() {
        let fault = evaluate("y: 1\nx: !Ref Nothing").unwrap_err();
        assert_eq!((fault.line, fault.message.contains("Nothing")), (2, true));
        let fault = evaluate("y: 1\n\nx: !ImportValue Other").unwrap_err();
        assert_eq!((fault.line, fault.message.contains("Fn::ImportValue is not supported")), (3, true));
        assert!(evaluate("x: !GetAtt Nothing.Arn").is_err());
        assert!(evaluate("x: !If [Nothing, a, b]").is_err());
    }
}
