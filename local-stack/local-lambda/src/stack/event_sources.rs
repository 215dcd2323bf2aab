//! From the template's triggers to running ones.

use std::{collections::BTreeMap, sync::Arc};

use crate::aws_clients::AwsClients;
use sam_template::{
    Destination, EventInvokeConfig, Function, Queue, ScheduleSource, SqsSource, StreamSource, Template,
};

use super::{Stack, unsupported};
use crate::{
    async_invocation::{AsyncInvocations, Destinations, Rules},
    error::Error,
    event_sources::{Target, filter::Filter, schedule::Schedule, sqs, stream},
    pool::Pool,
    report::Report,
};

/// What triggers are made from.
pub(super) struct Triggers<'a> {
    pub(super) template: &'a Template,
    pub(super) aws: &'a AwsClients,
    pub(super) report: &'a Report,
}

impl Triggers<'_> {
    /// What the template says about asynchronous invocations.
    pub(super) fn async_invocations(&self, stack: &Stack) -> Result<AsyncInvocations, Error> {
        let mut rules = BTreeMap::new();
        for function in &self.template.functions {
            let EventInvokeConfig { maximum_retries, maximum_age, on_success, on_failure, dead_letter_queue } =
                &function.event_invoke;
            let destinations = Destinations {
                on_success: self.destination(stack, on_success.as_ref())?,
                on_failure: self.destination(stack, on_failure.as_ref())?,
                dead_letter_queue: self.destination(stack, dead_letter_queue.as_ref())?,
            };
            let rule = Rules { maximum_retries: *maximum_retries, maximum_age: *maximum_age, destinations };
            rules.insert(function.name.clone(), rule);
        }
        Ok(AsyncInvocations::new(rules, self.aws.sqs(), self.report.clone(), stack.stop.clone()))
    }

    /// Starts the source of a queue, and tells what it is called.
    pub(super) fn start_sqs(
        &self,
        stack: &mut Stack,
        (function, pool): (&Function, &Arc<Pool>),
        source: &SqsSource,
    ) -> Result<String, Error> {
        let filter = self.filter(&source.filters)?;
        let queue = self.queue(&source.queue, source.line)?;
        if queue.fifo && (source.batch_size > 10 || !source.window.is_zero()) {
            let rule = "a FIFO queue takes a BatchSize of at most 10 and no MaximumBatchingWindowInSeconds";
            return Err(self.unsupported(source.line, rule.to_owned()));
        }
        if queue.visibility_timeout < function.timeout {
            // Short timeouts are useful in tests, so this is no error here.
            let (queued, runs) = (queue.visibility_timeout.as_secs(), function.timeout.as_secs());
            self.report.note(&format!(
                "{}:{}: AWS refuses a queue whose visibility timeout ({queued} s) is shorter than its function's timeout ({runs} s)",
                self.template.path.display(),
                source.line
            ));
        }
        let place = sqs::Place {
            client: self.aws.sqs(),
            url: self.queue_url(stack, &source.queue, source.line)?,
            arn: stack.resource_ids.queue_arn(&source.queue).unwrap_or_default(),
            visibility_timeout: queue.visibility_timeout,
        };
        let target = self.target(stack, pool, &source.queue);
        let running = sqs::Sqs::new(place, source.clone(), filter, target).run(stack.stop.clone());
        stack.tasks.spawn(running);
        Ok(format!("queue {}", source.queue))
    }

    /// Starts the source of a stream, and tells what it is called.
    pub(super) async fn start_stream(
        &self,
        stack: &mut Stack,
        pool: &Arc<Pool>,
        source: &StreamSource,
    ) -> Result<String, Error> {
        let filter = self.filter(&source.filters)?;
        let Some(arn) = stack.resource_ids.streams.get(&source.table).cloned() else {
            let message = format!("{} has no stream: give it a StreamSpecification", source.table);
            return Err(self.unsupported(source.line, message));
        };
        let table = self.template.tables.iter().find(|table| table.logical_id == source.table);
        let on_failure = self.destination(stack, source.on_failure.as_ref())?;
        let place = stream::Place {
            client: embedded_dynamodb::streams_client(&stack.addresses.dynamodb, &stack.resource_ids.region),
            arn,
            partition_key: table.map(|table| table.key.partition.clone()).unwrap_or_default(),
            on_failure: on_failure.map(|url| stream::OnFailure { client: self.aws.sqs(), url }),
        };
        let target = self.target(stack, pool, &source.table);
        let running = stream::Stream::open(place, source.clone(), filter, target).await?;
        let name = format!("{} -> {}", source.table, pool.name());
        stack.iterator_ages.insert(name, running.age());
        stack.tasks.spawn(running.run(stack.stop.clone()));
        Ok(format!("stream of {}", source.table))
    }

    /// Starts a schedule, and tells what it is called.
    pub(super) fn start_schedule(
        &self,
        stack: &mut Stack,
        pool: &Arc<Pool>,
        source: &ScheduleSource,
        queue: &Arc<AsyncInvocations>,
    ) -> Result<String, Error> {
        let target = self.target(stack, pool, &source.name);
        let schedule = Schedule::new(source.clone(), target, Arc::clone(queue))
            .map_err(|(line, message)| self.unsupported(line, message))?;
        stack.tasks.spawn(schedule.run(stack.stop.clone()));
        Ok(source.expression.clone())
    }

    fn target(&self, stack: &Stack, pool: &Arc<Pool>, source: &str) -> Target {
        Target {
            function: Arc::clone(pool),
            source: source.into(),
            resource_ids: Arc::clone(&stack.resource_ids),
            report: self.report.clone(),
        }
    }

    fn filter(&self, criteria: &sam_template::FilterCriteria) -> Result<Filter, Error> {
        Filter::compile(criteria).map_err(|(line, message)| self.unsupported(line, message))
    }

    fn queue(&self, logical_id: &str, line: usize) -> Result<&Queue, Error> {
        let queue = self.template.queues.iter().find(|queue| queue.logical_id == logical_id);
        queue.ok_or_else(|| self.unsupported(line, format!("{logical_id} is not a queue of this template")))
    }

    fn queue_url(&self, stack: &Stack, logical_id: &str, line: usize) -> Result<String, Error> {
        self.queue(logical_id, line)?;
        let url = stack.resource_ids.queue_urls.get(logical_id).cloned();
        url.ok_or_else(|| self.unsupported(line, format!("{logical_id} has no URL")))
    }

    /// The URL of a destination. AWS takes standard queues only.
    fn destination(&self, stack: &Stack, destination: Option<&Destination>) -> Result<Option<String>, Error> {
        let Some(Destination { queue, line }) = destination else { return Ok(None) };
        if self.queue(queue, *line)?.fifo {
            let message = format!("{queue} is a FIFO queue, and a destination must be a standard queue");
            return Err(self.unsupported(*line, message));
        }
        self.queue_url(stack, queue, *line).map(Some)
    }

    fn unsupported(&self, line: usize, message: String) -> Error {
        unsupported(&self.template.path, line, message)
    }
}
