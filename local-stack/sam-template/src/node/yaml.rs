//! Reads YAML. Short tags (`!Ref x`) become their long form (`Ref: x`).

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::{Entry, Node, Value};
use crate::error::{Position, Problem};

/// The deepest nesting of values: far more than any template needs, and far less than the call stack can hold.
const MAX_DEPTH: usize = 100;

/// Reads one YAML document. The second part of the result are warnings: keys that are repeated.
pub(crate) fn parse(text: &str) -> Result<(Node, Vec<Problem>), Problem> {
    let mut events = Events { parser: Parser::new_from_str(text), depth: 0, warnings: Vec::new() };
    loop {
        let (event, span) = events.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => {
                return Err(Problem::new(Position { line: 1, column: 1 }, "the template is empty"));
            }
            first => return Ok((events.node(first, span)?, events.warnings)),
        }
    }
}

struct Events<'input> {
    parser: Parser<'input, saphyr_parser::StrInput<'input>>,
    /// The number of open sequences and mappings.
    depth: usize,
    warnings: Vec<Problem>,
}

impl<'input> Events<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), Problem> {
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                Err(Problem::new(position(error.marker()), format!("not valid YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'input>, span: Span) -> Result<Node, Problem> {
        let at = position(&span.start);
        if self.depth > MAX_DEPTH {
            return Err(Problem::new(at, format!("values lie in each other more than {MAX_DEPTH} deep")));
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
                return Err(Problem::new(at, "YAML aliases are not supported by CloudFormation"));
            }
            _ => return Err(Problem::new(at, "the template ends in the middle of a value")),
        };
        self.depth -= 1;
        let node = Node { at, value };
        Ok(match tag.and_then(|tag| long_form(&tag)) {
            Some(key) => Node { at, value: Value::Mapping(vec![Entry { key, at, node }]) },
            None => node,
        })
    }

    fn sequence(&mut self) -> Result<Vec<Node>, Problem> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(nodes),
                (event, span) => nodes.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let at = position(&span.start);
            let key = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Problem::new(at, "a key must be a plain text")),
            };
            let (event, span) = self.next()?;
            let node = self.node(event, span)?;
            // YAML forbids it, but SAM reads templates with PyYAML, for which the last one counts.
            if let Some(earlier) = entries.iter().position(|entry| entry.key == key) {
                let Entry { at: first, .. } = entries.remove(earlier);
                let message =
                    format!("{key} is repeated: this value counts, the one in line {} does not", first.line);
                self.warnings.push(Problem::new(at, message));
            }
            entries.push(Entry { key, at, node });
        }
    }
}

/// The parser counts columns from 0, and can end on the line 0 of an empty text.
fn position(marker: &Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col() + 1 }
}

/// The long form of a short tag: `Ref` for `!Ref`, `Condition` for `!Condition`, `Fn::NAME` for every other.
fn long_form(tag: &Tag) -> Option<String> {
    (tag.handle == "!").then(|| match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        parse(text).unwrap().0
    }

    #[test]
    fn nodes_have_their_places() {
        let tree = tree("a: 1\nb:\n  - x\n  - y: {z: 3}\n");
        let second = &Node::elements(tree.get("b")).unwrap()[1];
        assert_eq!(second.at, Position { line: 4, column: 5 });
        assert_eq!(second.at(&["y", "z"]).unwrap().at, Position { line: 4, column: 12 });
    }

    #[test]
    fn short_tags_become_long_forms() {
        assert_eq!(tree("a: !Ref x").at(&["a", "Ref"]).unwrap().text(), Ok("x"));
        let tree = tree("a: !Join ['-', [b, c]]");
        assert_eq!(Node::elements(tree.at(&["a", "Fn::Join"])).unwrap().len(), 2);
    }

    #[test]
    fn broken_yaml_names_its_line() {
        assert_eq!(parse("a: 1\nb: [1, 2\nc: 3").unwrap_err().at.line, 3);
        assert!(parse("").is_err());
        assert_eq!(parse(&"[".repeat(100_000)).unwrap_err().at.line, 1);
    }

    #[test]
    fn of_a_repeated_key_the_last_value_counts_and_a_warning_names_both_lines() {
        let (tree, warnings) = parse("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(tree.get("a").unwrap().text(), Ok("3"));
        let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
        assert_eq!(warning.at, Position { line: 3, column: 1 });
        assert_eq!(warning.message, "a is repeated: this value counts, the one in line 1 does not");
    }
}
