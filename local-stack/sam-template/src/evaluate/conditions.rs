//! Conditions: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html>.

use super::{Scope, arguments};
use crate::{
    error::Fault,
    node::{Entry, Node, Value},
};

impl Scope {
    /// The named condition.
    pub(crate) fn condition(&self, name: &str, line: usize) -> Result<bool, Fault> {
        let node = self.conditions.get(name);
        let node =
            node.ok_or_else(|| Fault::new(line, format!("{name} is not a condition of this template")))?;
        // A chain that is longer than there are conditions has come back to one of them.
        if self.asked.get() >= self.conditions.len() {
            return Err(node.fault(format!("the condition {name} depends on itself")));
        }
        self.asked.set(self.asked.get() + 1);
        let holds = self.holds(node);
        self.asked.set(self.asked.get() - 1);
        holds
    }

    pub(super) fn holds(&self, node: &Node) -> Result<bool, Fault> {
        let Value::Mapping(entries) = &node.value else {
            return Err(node.fault("expected a condition function"));
        };
        let [Entry { key, node, .. }] = entries.as_slice() else {
            return Err(node.fault("expected one condition function"));
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
            other => Err(node.fault(format!("{other} is not a condition function"))),
        }
    }
}
