//! What a template says, and what its schedules mean.

use std::path::Path;

use jiff::{Timestamp, ToSpan};
use local_lambda::event_sources::{filter::Filter, schedule::Expression};
use sam_template::{
    EventSource, Located, Position, Problem, ScheduleKind, ScheduleSource, Settings, Template, TemplateError,
};

/// A template. What is refused names a line of it; what is accepted is consistent in itself.
pub(crate) fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let template = match Template::parse(text, Path::new("template.yaml"), &Settings::default()) {
        Ok(template) => template,
        Err(TemplateError::Problems { problems, .. }) => {
            // For the parser, a text ends on the line after its last.
            let lines = text.split(['\n', '\r']).count() + 1;
            assert!(!problems.is_empty() && problems.is_sorted());
            for Problem { at, message } in problems {
                assert!((1..=lines).contains(&at.line), "line {at} of {lines}: {message}");
                assert!(at.column >= 1 && !message.is_empty());
            }
            return;
        }
        Err(_) => return,
    };
    for function in &template.functions {
        for event in &function.events {
            match event {
                EventSource::Schedule(source) => drop(Expression::of(source)),
                EventSource::Stream(source) => drop(Filter::compile(&source.filters)),
                EventSource::Sqs(source) => drop(Filter::compile(&source.filters)),
                EventSource::HttpApi(_) => {}
            }
        }
    }
}

/// A schedule's expression. It fires after the time that it is asked for, again and again, and never in between.
pub(crate) fn schedule(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (expression, zone) = text.split_once('\n').unwrap_or((text, ""));
    let source = ScheduleSource {
        name: "Tick".to_owned(),
        kind: ScheduleKind::Scheduler,
        enabled: true,
        expression: expression.to_owned(),
        at: Position { line: 7, column: 1 },
        time_zone: (!zone.is_empty())
            .then(|| Located { at: Position { line: 8, column: 1 }, text: zone.to_owned() }),
        input: None,
    };
    let schedule = match Expression::of(&source) {
        Ok(schedule) => schedule,
        Err(Problem { at, message }) => {
            return assert!((7..=8).contains(&at.line) && !message.is_empty());
        }
    };
    let Ok(start) = "2026-10-24T22:59:30Z".parse::<Timestamp>() else { return };
    let mut last = start;
    for _ in 0..4 {
        let Some(next) = schedule.next(start, last) else { return };
        assert!(next > last, "{expression}: {next} is not after {last}");
        if let Ok(before) = next.checked_sub(1.millisecond())
            && before > last
        {
            assert_eq!(schedule.next(start, before), Some(next), "{expression}: asked just before it fires");
        }
        last = next;
    }
}
