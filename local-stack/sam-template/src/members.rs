//! Reads the members of evaluated mappings. What cannot be read is noted as a problem, and is as if it were missing, so
//! that reading continues and finds the other problems.

use std::{ops::RangeInclusive, str::FromStr};

use crate::{
    error::{Invalid, Notes},
    node::{Entry, Node, Value},
    text::Located,
};

/// An evaluated mapping, and where its problems are noted.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a> {
    pub(crate) node: &'a Node,
    pub(crate) notes: &'a Notes,
}

/// The members that a mapping may have.
pub(crate) struct Known {
    /// What has them: `a function`.
    pub(crate) of: &'static str,
    pub(crate) supported: &'static [&'static str],
    /// Members that change nothing that can be seen here: tags, descriptions, permissions, encryption.
    pub(crate) ignored: &'static [&'static str],
    /// Members that are not supported, with what to do instead.
    pub(crate) hints: &'static [(&'static str, &'static str)],
}

impl Known {
    /// Notes the member if it is neither supported nor ignored.
    pub(crate) fn check(&self, entry: &Entry, notes: &Notes) {
        let Entry { key, at, .. } = entry;
        if self.supported.contains(&key.as_str()) || self.ignored.contains(&key.as_str()) {
            return;
        }
        let hint = self.hints.iter().find(|(hinted, _)| hinted == key);
        let hint = hint.map_or("leave it out", |(_, hint)| *hint);
        notes.problem(*at, format!("{key} of {} is not supported: {hint}", self.of));
    }
}

impl<'a> Members<'a> {
    pub(crate) fn valid<T>(self, value: Result<T, Invalid>) -> Option<T> {
        self.notes.valid(value)
    }

    /// Notes every member that is neither supported nor ignored.
    pub(crate) fn check(self, known: &Known) -> Self {
        for entry in self.valid(Node::entries(Some(self.node))).unwrap_or_default() {
            known.check(entry, self.notes);
        }
        self
    }

    pub(crate) fn get(self, key: &str) -> Option<&'a Node> {
        self.node.get(key)
    }

    pub(crate) fn require(self, key: &str) -> Option<&'a Node> {
        self.valid(self.node.require(key))
    }

    /// The members of the mapping `key`.
    pub(crate) fn members(self, key: &str) -> Option<Members<'a>> {
        self.get(key).map(|node| Members { node, notes: self.notes })
    }

    /// The member `key`, if `read` can read it.
    pub(crate) fn read<T>(self, key: &str, read: impl FnOnce(&'a Node) -> Result<T, Invalid>) -> Option<T> {
        self.valid(read(self.get(key)?))
    }

    pub(crate) fn text(self, key: &str) -> Option<&'a str> {
        self.read(key, Node::text)
    }

    pub(crate) fn located(self, key: &str) -> Option<Located> {
        self.read(key, Node::located)
    }

    pub(crate) fn boolean(self, key: &str) -> Option<bool> {
        self.read(key, Node::boolean)
    }

    pub(crate) fn number<T: FromStr>(self, key: &str) -> Option<T> {
        self.read(key, Node::number)
    }

    /// A whole number in `range`.
    pub(crate) fn within(self, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        self.read(key, |node| node.number_within(key, range))
    }

    pub(crate) fn elements(self, key: &str) -> &'a [Node] {
        self.valid(Node::elements(self.get(key))).unwrap_or_default()
    }

    pub(crate) fn entries(self, key: &str) -> &'a [Entry] {
        self.valid(Node::entries(self.get(key))).unwrap_or_default()
    }

    pub(crate) fn texts(self, key: &str) -> Vec<String> {
        self.elements(key).iter().filter_map(|node| self.valid(node.text()).map(str::to_owned)).collect()
    }

    /// The logical id of the resource that `key` refers to by `Ref` or `Fn::GetAtt`, at its place.
    pub(crate) fn referenced(self, key: &str) -> Option<Located> {
        let node = self.require(key)?;
        let reference = match &node.value {
            Value::Unresolved(text) => text.as_reference(),
            Value::Invalid => return None,
            _ => None,
        };
        let Some(reference) = reference else {
            let hosted = "a function, table or queue of this template";
            self.notes.problem(node.at, format!("{key} must be one !GetAtt or !Ref to {hosted}"));
            return None;
        };
        Some(Located { at: node.at, text: reference.resource.clone() })
    }

    pub(crate) fn problem(self, at: &Node, message: impl Into<String>) {
        self.notes.problem(at.at, message);
    }
}
