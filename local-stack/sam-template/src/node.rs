//! YAML as a tree of nodes with their lines. Short tags (`!Ref x`) become their long form (`Ref: x`).

use std::ops::RangeInclusive;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::{
    error::LineError,
    text::{Located, Text},
};

/// A value and its line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
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
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

/// Reads one YAML document.
pub(crate) fn parse(text: &str) -> Result<Node, LineError> {
    let mut events = Events { parser: Parser::new_from_str(text), depth: 0 };
    loop {
        let (event, span) = events.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => return Err(LineError::new(1, "the template is empty")),
            first => return events.node(first, span),
        }
    }
}

/// The deepest nesting of values: far more than any template needs, and far less than the call stack can hold.
const MAX_DEPTH: usize = 100;

struct Events<'input> {
    parser: Parser<'input, saphyr_parser::StrInput<'input>>,
    /// The number of open sequences and mappings.
    depth: usize,
}

impl<'input> Events<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), LineError> {
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                Err(LineError::new(error.marker().line(), format!("not valid YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'input>, span: Span) -> Result<Node, LineError> {
        let line = span.start.line();
        if self.depth > MAX_DEPTH {
            return Err(LineError::new(line, format!("values lie in each other more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let (value, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                let null =
                    style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null") && tag.is_none();
                (if null { Value::Null } else { Value::Scalar(text.into_owned()) }, tag)
            }
            Event::SequenceStart(_, tag) => (Value::Sequence(self.sequence()?), tag),
            Event::MappingStart(_, tag) => (Value::Mapping(self.mapping()?), tag),
            Event::Alias(_) => {
                return Err(LineError::new(line, "YAML aliases are not supported by CloudFormation"));
            }
            _ => return Err(LineError::new(line, "the template ends in the middle of a value")),
        };
        self.depth -= 1;
        let node = Node { line, value };
        Ok(match tag.and_then(|tag| long_form(&tag)) {
            Some(key) => Node { line, value: Value::Mapping(vec![Entry { key, line, node }]) },
            None => node,
        })
    }

    fn sequence(&mut self) -> Result<Vec<Node>, LineError> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(nodes),
                (event, span) => nodes.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Vec<Entry>, LineError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            let key = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(LineError::new(line, "a key must be a plain text")),
            };
            if entries.iter().any(|entry| entry.key == key) {
                return Err(LineError::new(line, format!("the key {key} is repeated")));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span)?;
            entries.push(Entry { key, line, node });
        }
    }
}

/// The long form of a short tag: `Ref` for `!Ref`, `Condition` for `!Condition`, `Fn::NAME` for every other.
fn long_form(tag: &Tag) -> Option<String> {
    (tag.handle == "!").then(|| match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    })
}

impl Node {
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

    pub(crate) fn require(&self, key: &str) -> Result<&Node, LineError> {
        self.get(key).ok_or_else(|| self.error(format!("{key} is missing here")))
    }

    pub(crate) fn text(&self) -> Result<&str, LineError> {
        match &self.value {
            Value::Scalar(text) => Ok(text),
            Value::Unresolved(_) => Err(self.error("this must not depend on a deployed resource")),
            _ => Err(self.error("expected a text")),
        }
    }

    pub(crate) fn located(&self) -> Result<Located, LineError> {
        Ok(Located { line: self.line, text: self.text()?.to_owned() })
    }

    pub(crate) fn number<T: std::str::FromStr>(&self) -> Result<T, LineError> {
        let text = self.text()?;
        text.parse().map_err(|_| self.error(format!("{text} is not a number that fits here")))
    }

    /// A whole number in `range`; `key` is its name in the error.
    pub(crate) fn number_within(&self, key: &str, range: RangeInclusive<u32>) -> Result<u32, LineError> {
        let number = self.number()?;
        if range.contains(&number) {
            return Ok(number);
        }
        Err(self.error(format!("{key} must be {} to {}, not {number}", range.start(), range.end())))
    }

    /// The member `key` as a whole number in `range`; none for a missing one.
    pub(crate) fn within(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, LineError> {
        self.get(key).map(|node| node.number_within(key, range)).transpose()
    }

    pub(crate) fn boolean(&self) -> Result<bool, LineError> {
        match self.text()? {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            other => Err(self.error(format!("{other} is neither true nor false"))),
        }
    }

    /// The elements of a sequence; a missing sequence has none.
    pub(crate) fn elements(node: Option<&Node>) -> Result<&[Node], LineError> {
        match node.map(|node| (&node.value, node)) {
            None => Ok(&[]),
            Some((Value::Sequence(nodes), _)) => Ok(nodes),
            Some((_, node)) => Err(node.error("expected a list")),
        }
    }

    /// The members of a mapping; a missing mapping has none.
    pub(crate) fn entries(node: Option<&Node>) -> Result<&[Entry], LineError> {
        match node.map(|node| (&node.value, node)) {
            None => Ok(&[]),
            Some((Value::Mapping(entries), _)) => Ok(entries),
            Some((_, node)) => Err(node.error("expected a mapping")),
        }
    }

    pub(crate) fn texts(node: Option<&Node>) -> Result<Vec<String>, LineError> {
        Self::elements(node)?.iter().map(|node| node.text().map(str::to_owned)).collect()
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> LineError {
        LineError::new(self.line, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_their_lines() {
        let tree = parse("a: 1\nb:\n  - x\n  - y: {z: 3}\n").unwrap();
        let second = &Node::elements(tree.get("b")).unwrap()[1];
        assert_eq!((second.line, second.at(&["y", "z"]).unwrap().line), (4, 4));
    }

    #[test]
    fn short_tags_become_long_forms() {
        assert_eq!(parse("a: !Ref x").unwrap().at(&["a", "Ref"]).unwrap().text(), Ok("x"));
        let tree = parse("a: !Join ['-', [b, c]]").unwrap();
        assert_eq!(Node::elements(tree.at(&["a", "Fn::Join"])).unwrap().len(), 2);
    }

    #[test]
    fn broken_yaml_names_its_line() {
        assert_eq!(parse("a: 1\nb: [1, 2\nc: 3").unwrap_err().line, 3);
        assert_eq!(parse("a: 1\na: 2").unwrap_err().message, "the key a is repeated");
        assert!(parse("").is_err());
        assert_eq!(parse(&"[".repeat(100_000)).unwrap_err().line, 1);
    }
}
