//! Conditions and their functions.

use super::{Scope, arguments};
use crate::{
    error::{Invalid, Position, Problem},
    node::{Entry, Node, Value},
};

impl Scope<'_> {
    /// Evaluates all conditions, so that every problem in them is noted.
    pub(crate) fn check_conditions(&self) {
        for (name, node) in &self.conditions {
            let _ = self.notes.valid(self.condition(name, node.at));
        }
    }

    /// The value of a condition that is named at a place.
    pub(crate) fn condition(&self, name: &str, at: Position) -> Result<bool, Invalid> {
        let Some(node) = self.conditions.get(name) else {
            let message = format!("{name} is not a condition of this template");
            return Err(Invalid::Because(Problem::new(at, message)));
        };
        let circle = || node.error(format!("the condition {name} depends on itself"));
        self.evaluated_conditions.get(name, &self.notes, circle, || self.holds(node))
    }

    fn holds(&self, node: &Node) -> Result<bool, Invalid> {
        let Value::Mapping(entries) = &node.value else {
            return Err(node.error("expected a condition function"));
        };
        let [Entry { key, at, node }] = entries.as_slice() else {
            return Err(node.error("expected one condition function"));
        };
        self.condition_function(key, *at, node)
    }

    pub(super) fn condition_function(&self, key: &str, at: Position, node: &Node) -> Result<bool, Invalid> {
        match key {
            "Condition" => self.condition(node.text()?, node.at),
            "Fn::Equals" => {
                let [left, right] = arguments(node)?.map(|argument| self.evaluate(argument).value);
                if left == Value::Invalid || right == Value::Invalid {
                    return Err(Invalid::Noted);
                }
                Ok(left == right)
            }
            "Fn::Not" => {
                let [condition] = arguments(node)?;
                Ok(!self.holds(condition)?)
            }
            "Fn::And" | "Fn::Or" => {
                let conditions = Node::elements(Some(node))?.iter().map(|condition| self.holds(condition));
                let holds = conditions.collect::<Result<Vec<_>, _>>()?;
                Ok(if key == "Fn::And" { holds.iter().all(|holds| *holds) } else { holds.contains(&true) })
            }
            other => {
                let message = format!("{other} is not a condition function");
                Err(Invalid::Because(Problem::new(at, message)))
            }
        }
    }
}
