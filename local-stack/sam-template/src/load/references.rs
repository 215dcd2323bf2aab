//! Checks that what the parts of a template refer to exists, and fits.

mod queues;
mod routes;

use super::Template;
use crate::{error::Notes, resources::event::EventSource};

/// Notes the references to what does not exist or does not fit.
pub(super) fn check(template: &Template, notes: &Notes) {
    routes::check(template, notes);
    queues::check(template, notes);
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
