//! Checks that what the parts of a template refer to exists, and fits.

mod queues;
mod routes;

use std::collections::BTreeSet;

use super::Template;
use crate::{
    error::{Notes, Position},
    resources::event::EventSource,
};

/// Notes the references to what does not exist or does not fit.
pub(super) fn check(template: &Template, notes: &Notes) {
    routes::check(template, notes);
    queues::check(template, notes);
    check_names("table", template.tables.iter().map(|table| (table.name.as_str(), table.at)), notes);
    check_names("queue", template.queues.iter().map(|queue| (queue.name.as_str(), queue.at)), notes);
    for function in &template.functions {
        for event in &function.events {
            let EventSource::Stream(source) = event else { continue };
            let table = template.tables.iter().find(|table| table.logical_id == source.table);
            match table {
                None => notes.problem(source.at, format!("{} is not a table of this template", source.table)),
                Some(table) if table.stream.is_none() => {
                    let message = format!("{} has no stream: give it a StreamSpecification", source.table);
                    notes.problem(source.at, message);
                }
                Some(_) => {}
            }
        }
    }
}

/// Two resources with one name would be one.
fn check_names<'a>(kind: &str, names: impl Iterator<Item = (&'a str, Position)>, notes: &Notes) {
    let mut seen = BTreeSet::new();
    for (name, at) in names {
        if !seen.insert(name) {
            notes.problem(at, format!("another {kind} is named {name} already"));
        }
    }
}
