//! Starts the event sources that the template declares.

use std::{collections::BTreeMap, sync::Arc};

use sam_template::{
    Destination, EventInvokeConfig, EventSource, Problem, ScheduleSource, SqsSource, StreamSource, Template,
    TemplateError,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    async_invocation::{AsyncInvocations, Destinations, RetryPolicy, Rules},
    error::Error,
    event_sources::{
        Target,
        filter::Filter,
        schedule::Schedule,
        sqs::{self, SqsMapping},
        stream::{self, IteratorAge, StreamMapping},
    },
    hosted_function::{HostedFunction, Trigger},
    report::Report,
    resource_ids::ResourceIds,
};

/// What event sources are started with.
pub(super) struct EventSources<'a> {
    pub(super) template: &'a Template,
    pub(super) resource_ids: &'a Arc<ResourceIds>,
    pub(super) dynamodb_endpoint: &'a str,
    /// Its calls are on the bill.
    pub(super) sqs: &'a aws_sdk_sqs::Client,
    pub(super) report: &'a Report,
    pub(super) stop: &'a CancellationToken,
}

/// Event sources that run.
pub(super) struct Started {
    pub(super) triggers: Vec<Trigger>,
    /// By `table -> function`.
    pub(super) iterator_ages: BTreeMap<String, Arc<IteratorAge>>,
    pub(super) async_invocations: Arc<AsyncInvocations>,
}

impl EventSources<'_> {
    /// Starts every event source that is enabled, as one of `tasks`.
    pub(super) async fn start(
        self,
        functions: &[HostedFunction],
        tasks: &mut JoinSet<()>,
    ) -> Result<Started, Error> {
        let async_invocations = Arc::new(self.async_invocations()?);
        let (mut triggers, mut iterator_ages) = (Vec::new(), BTreeMap::new());
        for function in functions {
            for event in &function.declaration.events {
                let source = match event {
                    EventSource::Sqs(source) if source.enabled => {
                        tasks.spawn(self.sqs_mapping(function, source)?.run(self.stop.clone()));
                        format!("queue {}", source.queue)
                    }
                    EventSource::Stream(source) if source.enabled => {
                        let mapping = self.stream_mapping(function, source).await?;
                        let name = format!("{} -> {}", source.table, function.pool.name());
                        iterator_ages.insert(name, mapping.iterator_age());
                        tasks.spawn(mapping.run(self.stop.clone()));
                        format!("stream of {}", source.table)
                    }
                    EventSource::Schedule(source) if source.enabled => {
                        let schedule = self.schedule(function, source, &async_invocations)?;
                        tasks.spawn(schedule.run(self.stop.clone()));
                        source.expression.clone()
                    }
                    _ => continue,
                };
                triggers.push(Trigger { source, function: function.declaration.name.clone() });
            }
        }
        Ok(Started { triggers, iterator_ages, async_invocations })
    }

    /// The template's settings of asynchronous invocations.
    fn async_invocations(&self) -> Result<AsyncInvocations, Error> {
        let mut rules = BTreeMap::new();
        for function in &self.template.functions {
            let EventInvokeConfig { maximum_retries, maximum_age, on_success, on_failure, dead_letter_queue } =
                &function.event_invoke;
            let retries = RetryPolicy { maximum_retries: *maximum_retries, maximum_age: *maximum_age };
            let destinations = Destinations {
                on_success: self.destination(on_success.as_ref())?,
                on_failure: self.destination(on_failure.as_ref())?,
                dead_letter_queue: self.destination(dead_letter_queue.as_ref())?,
            };
            rules.insert(function.name.clone(), Rules { retries, destinations });
        }
        Ok(AsyncInvocations::new(rules, self.sqs.clone(), self.report.clone(), self.stop.clone()))
    }

    fn sqs_mapping(&self, function: &HostedFunction, source: &SqsSource) -> Result<SqsMapping, Error> {
        let filter = self.filter(&source.filters)?;
        let queue = self.template.queues.iter().find(|queue| queue.logical_id == source.queue);
        let visibility_timeout = queue.map(|queue| queue.visibility_timeout).unwrap_or_default();
        let timeout = function.declaration.timeout;
        if visibility_timeout < timeout {
            // Short timeouts are useful in tests, so this is not an error here.
            self.report.note(&format!(
                "{}:{}: AWS rejects a queue whose visibility timeout ({} s) is shorter than its function's timeout ({} s)",
                self.template.path.display(),
                source.at,
                visibility_timeout.as_secs(),
                timeout.as_secs(),
            ));
        }
        let queue = sqs::SourceQueue {
            client: self.sqs.clone(),
            url: self.queue_url(&source.queue)?,
            arn: self.resource_ids.queue_arn(&source.queue).unwrap_or_default(),
            visibility_timeout,
        };
        Ok(SqsMapping::new(queue, source.clone(), filter, self.target(function, &source.queue)))
    }

    async fn stream_mapping(
        &self,
        function: &HostedFunction,
        source: &StreamSource,
    ) -> Result<StreamMapping, Error> {
        let filter = self.filter(&source.filters)?;
        let Some(arn) = self.resource_ids.streams.get(&source.table).cloned() else {
            return Err(Error::NoStream(source.table.clone()));
        };
        let table = self.template.tables.iter().find(|table| table.logical_id == source.table);
        let on_failure = self.destination(source.on_failure.as_ref())?;
        let region = &self.resource_ids.account.region;
        let stream = stream::SourceStream {
            client: embedded_dynamodb::streams_client(self.dynamodb_endpoint, region),
            arn,
            partition_key: table.map(|table| table.key.partition.clone()).unwrap_or_default(),
            on_failure: on_failure.map(|url| stream::OnFailure { client: self.sqs.clone(), url }),
        };
        StreamMapping::open(stream, source.clone(), filter, self.target(function, &source.table)).await
    }

    fn schedule(
        &self,
        function: &HostedFunction,
        source: &ScheduleSource,
        async_invocations: &Arc<AsyncInvocations>,
    ) -> Result<Schedule, Error> {
        let target = self.target(function, &source.name);
        Schedule::new(source.clone(), target, Arc::clone(async_invocations))
            .map_err(|problem| self.refused(problem))
    }

    fn target(&self, function: &HostedFunction, source: &str) -> Target {
        Target {
            function: Arc::clone(&function.pool),
            source: source.into(),
            resource_ids: Arc::clone(self.resource_ids),
            report: self.report.clone(),
        }
    }

    fn filter(&self, criteria: &sam_template::FilterCriteria) -> Result<Filter, Error> {
        Filter::compile(criteria).map_err(|problem| self.refused(problem))
    }

    fn queue_url(&self, logical_id: &str) -> Result<String, Error> {
        let url = self.resource_ids.queue_urls.get(logical_id).cloned();
        url.ok_or_else(|| Error::Sqs {
            action: format!("find the queue {logical_id}"),
            cause: "it was not created".to_owned(),
        })
    }

    /// The URL of a destination.
    fn destination(&self, destination: Option<&Destination>) -> Result<Option<String>, Error> {
        destination.map(|destination| self.queue_url(&destination.queue)).transpose()
    }

    fn refused(&self, problem: Problem) -> Error {
        TemplateError::Problems { path: self.template.path.clone(), problems: vec![problem] }.into()
    }
}
