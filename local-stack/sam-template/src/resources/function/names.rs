//! The names of functions.

use std::collections::{BTreeMap, BTreeSet};

use super::Function;
use crate::{error::Notes, members::Members, text::Located};

/// `FunctionName`: <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
const LONGEST: usize = 64;

pub(super) fn check(members: Members<'_>, Located { at, text }: &Located) {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if text.is_empty() || text.len() > LONGEST || !letters {
        let rule = format!("1 to {LONGEST} letters, digits, hyphens and underscores");
        members.notes.problem(*at, format!("{text} is not a name of a function: {rule}"));
    }
}

/// Gives each function a name that no other has: `FunctionName`, or else the name of its binary, or else its logical id.
pub(crate) fn assign(functions: &mut [Function], notes: &Notes) {
    let mut given = BTreeSet::new();
    for name in functions.iter().filter_map(|function| function.function_name.as_ref()) {
        if !given.insert(name.text.clone()) {
            notes.problem(name.at, format!("another function is named {} already", name.text));
        }
    }
    let mut binaries: BTreeMap<String, usize> = BTreeMap::new();
    for function in functions.iter().filter(|function| function.function_name.is_none()) {
        if let Some(binary) = &function.code.binary {
            *binaries.entry(binary.text.clone()).or_default() += 1;
        }
    }
    for function in functions {
        let binary = function.code.binary.as_ref().map(|binary| &binary.text);
        let binary = binary.filter(|name| binaries.get(*name) == Some(&1) && !given.contains(*name));
        let name = function.function_name.as_ref().map(|name| &name.text).or(binary);
        function.name = name.unwrap_or(&function.logical_id).clone();
    }
}
