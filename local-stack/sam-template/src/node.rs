//! A template as a tree of values with their places.

mod yaml;

use std::ops::RangeInclusive;

pub(crate) use self::yaml::parse;
use crate::{
    error::{Invalid, Position, Problem},
    text::{Located, Text},
};

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// No value: `~`, `null`, nothing, or `AWS::NoValue`.
    Null,
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
    /// A text that refers to resources. The evaluation makes it, never the parser.
    Unresolved(Text),
    /// What the evaluation could not make a value of; the reason is noted.
    Invalid,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Position,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn new(at: Position, value: Value) -> Self {
        Self { at, value }
    }

    pub(crate) fn scalar(at: Position, text: impl Into<String>) -> Self {
        Self { at, value: Value::Scalar(text.into()) }
    }

    /// A mapping without members.
    pub(crate) fn empty(at: Position) -> Self {
        Self { at, value: Value::Mapping(Vec::new()) }
    }

    /// The member `key` of a mapping; none for a missing or null one.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Mapping(entries) = &self.value else { return None };
        let node = entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)?;
        (node.value != Value::Null).then_some(node)
    }

    /// The member at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(crate) fn require(&self, key: &str) -> Result<&Node, Invalid> {
        match self.value {
            Value::Invalid => Err(Invalid::Noted),
            _ => self.get(key).ok_or_else(|| self.error(format!("{key} is missing here"))),
        }
    }

    pub(crate) fn text(&self) -> Result<&str, Invalid> {
        match &self.value {
            Value::Scalar(text) => Ok(text),
            Value::Unresolved(_) => Err(self.error("this must not depend on a deployed resource")),
            _ => Err(self.expected("a text")),
        }
    }

    pub(crate) fn located(&self) -> Result<Located, Invalid> {
        Ok(Located { at: self.at, text: self.text()?.to_owned() })
    }

    pub(crate) fn number<T: std::str::FromStr>(&self) -> Result<T, Invalid> {
        let text = self.text()?;
        text.parse().map_err(|_| self.error(format!("{text} is not a number that fits here")))
    }

    /// A whole number in `range`; `key` is its name in the error.
    pub(crate) fn number_within(&self, key: &str, range: RangeInclusive<u32>) -> Result<u32, Invalid> {
        let number = self.number()?;
        if range.contains(&number) {
            return Ok(number);
        }
        Err(self.error(format!("{key} must be {} to {}, not {number}", range.start(), range.end())))
    }

    pub(crate) fn boolean(&self) -> Result<bool, Invalid> {
        match self.text()? {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            other => Err(self.error(format!("{other} is neither true nor false"))),
        }
    }

    /// The elements of a sequence; a missing sequence has none.
    pub(crate) fn elements(node: Option<&Node>) -> Result<&[Node], Invalid> {
        match node.map(|node| (&node.value, node)) {
            None => Ok(&[]),
            Some((Value::Sequence(nodes), _)) => Ok(nodes),
            Some((_, node)) => Err(node.expected("a list")),
        }
    }

    /// The members of a mapping; a missing mapping has none.
    pub(crate) fn entries(node: Option<&Node>) -> Result<&[Entry], Invalid> {
        match node.map(|node| (&node.value, node)) {
            None => Ok(&[]),
            Some((Value::Mapping(entries), _)) => Ok(entries),
            Some((_, node)) => Err(node.expected("a mapping")),
        }
    }

    pub(crate) fn texts(node: Option<&Node>) -> Result<Vec<String>, Invalid> {
        Self::elements(node)?.iter().map(|node| node.text().map(str::to_owned)).collect()
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> Invalid {
        Invalid::Because(Problem::new(self.at, message))
    }

    fn expected(&self, what: &str) -> Invalid {
        match self.value {
            Value::Invalid => Invalid::Noted,
            _ => self.error(format!("expected {what}")),
        }
    }
}
