//! The resources of a template, one file for each kind.

pub(crate) mod event;
pub(crate) mod event_invoke;
pub(crate) mod function;
pub(crate) mod http_api;
pub(crate) mod kind;
pub(crate) mod queue;
pub(crate) mod table;

use crate::{
    error::Position,
    evaluate::Scope,
    members::{Known, Members},
    node::{Node, Value},
};

/// The evaluated properties of a resource, without those that are ignored: these may contain anything. Properties that
/// are neither supported nor ignored are noted.
pub(crate) fn properties(scope: &Scope<'_>, properties: Option<&Node>, at: Position, known: &Known) -> Node {
    let entries = scope.notes.valid(Node::entries(properties)).unwrap_or_default();
    let needed = entries.iter().filter(|entry| !known.ignored.contains(&entry.key.as_str())).cloned();
    let node = scope.evaluate(&Node::new(at, Value::Mapping(needed.collect())));
    Members { node: &node, notes: &scope.notes }.check(known);
    node
}

/// A queue that receives invocation records or events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Logical id of the queue.
    pub queue: String,
    /// The place of the reference.
    pub at: Position,
}

/// The queue that `key` of a destination refers to.
pub(crate) fn destination(members: Members<'_>, key: &str) -> Option<Destination> {
    let kind = members.get("Type");
    if let (Some(kind), Some(name)) = (kind, members.text("Type"))
        && name != "SQS"
    {
        members.problem(kind, format!("{name} destinations are not supported: SQS is"));
        return None;
    }
    members.referenced(key).map(|reference| Destination { queue: reference.text, at: reference.at })
}
