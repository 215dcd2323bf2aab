//! The resources of a template, one file for each kind.

pub(crate) mod event;
pub(crate) mod event_invoke;
pub(crate) mod function;
pub(crate) mod http_api;
pub(crate) mod queue;
pub(crate) mod table;

use crate::{
    error::LineError,
    evaluate::Scope,
    node::{Entry, Node, Value},
};

/// The evaluated properties `keys` of a resource. Other properties are not evaluated, so they may contain anything.
pub(crate) fn properties(scope: &Scope, resource: &Node, keys: &[&str]) -> Result<Node, LineError> {
    select(scope, resource.get("Properties"), keys, resource.line)
}

pub(crate) fn select(
    scope: &Scope,
    node: Option<&Node>,
    keys: &[&str],
    line: usize,
) -> Result<Node, LineError> {
    let wanted = Node::entries(node)?.iter().filter(|entry| keys.contains(&entry.key.as_str())).cloned();
    let entries: Vec<Entry> = wanted.collect();
    scope.evaluate(&Node { line, value: Value::Mapping(entries) })
}

/// A queue that receives invocation records or events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Logical id of the queue.
    pub queue: String,
    /// The line of the reference.
    pub line: usize,
}

/// The queue that `key` of a destination refers to.
pub(crate) fn destination(node: &Node, key: &str) -> Result<Destination, LineError> {
    if let Some(kind) = node.get("Type")
        && kind.text()? != "SQS"
    {
        return Err(kind.error(format!("{} destinations are not supported: SQS is", kind.text()?)));
    }
    Ok(Destination { queue: referenced(node, key)?, line: node.require(key)?.line })
}

/// The logical id of the resource that `key` refers to by `Ref` or `Fn::GetAtt`.
pub(crate) fn referenced(properties: &Node, key: &str) -> Result<String, LineError> {
    let node = properties.require(key)?;
    let Value::Unresolved(text) = &node.value else {
        return Err(node.error(format!("{key} must be a !GetAtt or !Ref to a resource of this template")));
    };
    match text.as_reference() {
        Some(reference) => Ok(reference.resource.clone()),
        None => Err(node.error(format!("{key} must be one !GetAtt or !Ref"))),
    }
}
