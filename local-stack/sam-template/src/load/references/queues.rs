//! Queues as event sources, destinations and dead-letter queues.

use super::super::Template;
use crate::{
    error::{Notes, Position},
    resources::{Destination, event::EventSource, event::SqsSource, queue::Queue},
};

pub(super) fn check(template: &Template, notes: &Notes) {
    for function in &template.functions {
        let config = &function.event_invoke;
        for destination in [&config.on_success, &config.on_failure, &config.dead_letter_queue] {
            check_destination(template, destination.as_ref(), notes);
        }
        for event in &function.events {
            match event {
                EventSource::Sqs(source) => check_source(template, source, notes),
                EventSource::Stream(source) => check_destination(template, source.on_failure.as_ref(), notes),
                EventSource::HttpApi(_) | EventSource::Schedule(_) => {}
            }
        }
    }
    for queue in &template.queues {
        check_redrive(template, queue, notes);
    }
}

fn find<'a>(template: &'a Template, id: &str, at: Position, notes: &Notes) -> Option<&'a Queue> {
    let queue = template.queues.iter().find(|queue| queue.logical_id == id);
    if queue.is_none() {
        notes.problem(at, format!("{id} is not a queue of this template"));
    }
    queue
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>: "FIFO: maximum 10", and no window.
fn check_source(template: &Template, source: &SqsSource, notes: &Notes) {
    let queue = find(template, &source.queue, source.at, notes);
    if queue.is_some_and(|queue| queue.fifo) && (source.batch_size > 10 || !source.window.is_zero()) {
        let rule = "a FIFO queue takes a BatchSize of at most 10 and no MaximumBatchingWindowInSeconds";
        notes.problem(source.at, rule);
    }
}

/// Destinations and dead-letter queues of functions are standard queues.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
fn check_destination(template: &Template, destination: Option<&Destination>, notes: &Notes) {
    let Some(Destination { queue: id, at }) = destination else { return };
    if find(template, id, *at, notes).is_some_and(|queue| queue.fifo) {
        notes.problem(*at, format!("{id} is a FIFO queue, and a destination must be a standard queue"));
    }
}

/// "The dead-letter queue of a FIFO queue must also be a FIFO queue. Similarly, the dead-letter queue of a standard queue
/// must also be a standard queue."
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html>
fn check_redrive(template: &Template, queue: &Queue, notes: &Notes) {
    let Some(redrive) = &queue.redrive else { return };
    let id = &redrive.dead_letter_queue;
    let kind = |queue: &Queue| if queue.fifo { "a FIFO queue" } else { "a standard queue" };
    if let Some(target) = find(template, id, redrive.at, notes)
        && target.fifo != queue.fifo
    {
        let (source, target) = (kind(queue), kind(target));
        let message =
            format!("{id} is {target}, and {} is {source}: both must be of one kind", queue.logical_id);
        notes.problem(redrive.at, message);
    }
}
