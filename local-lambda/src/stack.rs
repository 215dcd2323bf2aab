//! The whole stack: started in order, and taken apart in order.

mod recipes;
mod triggers;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use local_dynamo::Embedded;
use sam_template::{EventSource, Settings, Template};
use shared::aws::Aws;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use self::triggers::Triggers;
use crate::{
    async_invocation::AsyncInvocations,
    cli::Options,
    concurrency::{Concurrency, Unreserved},
    error::Error,
    http_api::HttpApi,
    invoke_api::InvokeApi,
    places::Places,
    pool::Pool,
    queues,
    ready::Addresses,
    report::Report,
    server, sqs_server,
};

/// The account that everything is said to belong to.
const ACCOUNT_ID: &str = "000000000000";
/// How long invocations that are under way may take to end when the stack stops.
const DRAIN_WITHIN: Duration = Duration::from_millis(500);

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    /// Where it answers.
    pub addresses: Addresses,
    /// What it made.
    pub places: Arc<Places>,
    /// The routes of the HTTP API and the functions they go to.
    pub routes: Vec<(String, String)>,
    /// What else invokes functions: the trigger and the function.
    pub triggers: Vec<(String, String)>,
    pools: Vec<Arc<Pool>>,
    embedded: Option<Embedded>,
    /// Ends polling and listening.
    stop: CancellationToken,
    /// Ends the embedded SQS, which functions need until they have ended.
    stop_sqs: CancellationToken,
    tasks: JoinSet<()>,
}

impl Stack {
    /// Starts everything that the template declares. `prepare` gets a DynamoDB client and the table names before any
    /// function can run: to seed them.
    ///
    /// # Errors
    /// The first thing that is missing or wrong; what was started by then is stopped.
    pub async fn start<F, Fut>(options: &Options, report: Report, prepare: F) -> Result<Self, Error>
    where
        F: FnOnce(aws_sdk_dynamodb::Client, BTreeMap<String, String>) -> Fut,
        Fut: Future<Output = Result<(), Error>>,
    {
        let settings = Settings {
            region: options.region.clone(),
            account_id: ACCOUNT_ID.to_owned(),
            parameters: options.parameters.iter().cloned().collect(),
            ..Settings::default()
        };
        let template = Template::load(&options.template, &settings)?;
        let mut places = Places::of(&template, &options.region, ACCOUNT_ID);
        let (http, http_port) = server::listen(options.port, "--port").await?;
        let (invoke, invoke_port) = server::listen(options.invoke_port, "--invoke-port").await?;
        let stop_sqs = CancellationToken::new();
        let sqs = match &options.sqs_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => {
                sqs_server::start(options.sqs_port, &options.region, ACCOUNT_ID, stop_sqs.clone()).await?
            }
        };
        let (embedded, dynamodb) = match &options.dynamodb_endpoint {
            Some(endpoint) => (None, endpoint.clone()),
            None => {
                let server = Embedded::start(options.dynamodb_port, options.data.as_deref()).await?;
                let endpoint = server.endpoint();
                (Some(server), endpoint)
            }
        };
        let aws = Aws::local(&options.region, &dynamodb, &sqs);
        places.tables = local_dynamo::ensure_tables(&aws.dynamodb(), &template).await?;
        places.streams = local_dynamo::stream_arns(&aws.dynamodb(), &template).await?;
        places.queue_urls = queues::ensure_queues(&aws.sqs(), &template, &places).await?;
        prepare(aws.dynamodb(), places.tables.clone()).await?;
        // Last, because it may take minutes: what is wrong shows before.
        let binaries = recipes::binaries(&template, options, &report).await?;

        let places = Arc::new(places);
        let mut pools = Vec::new();
        let reserved = template.functions.iter().filter_map(|function| function.reserved_concurrency);
        let unreserved = Unreserved::of(options.account_concurrency, reserved);
        for function in &template.functions {
            let recipe = recipes::recipe(function, &binaries, &places, &dynamodb, &sqs)?;
            let concurrency = Concurrency::new(function.reserved_concurrency, unreserved.clone());
            let pool = Pool::new(recipe, concurrency, options.max_environments, report.clone());
            pools.push(Arc::new(pool));
        }
        let mut stack = Self {
            addresses: Addresses {
                http: format!("http://127.0.0.1:{http_port}"),
                invoke: format!("http://127.0.0.1:{invoke_port}"),
                dynamodb,
                sqs,
            },
            places,
            routes: Vec::new(),
            triggers: Vec::new(),
            pools,
            embedded,
            stop: CancellationToken::new(),
            stop_sqs,
            tasks: JoinSet::new(),
        };
        let retire_after = Duration::from_secs(options.retire_after.into());
        for pool in &stack.pools {
            stack.tasks.spawn(Arc::clone(pool).retire(retire_after, stack.stop.clone()));
        }
        let triggers = Triggers { template: &template, aws: &aws, report: &report };
        let events = Arc::new(triggers.async_invocations(&stack)?);
        stack.start_event_sources(&triggers, &events).await?;
        let api = HttpApi::new(&template, &stack.pools, ACCOUNT_ID, report.clone());
        stack.routes = api.describe();
        stack.tasks.spawn(api.serve(http, stack.stop.clone()));
        let ids = template.functions.iter().map(|function| function.logical_id.clone());
        let functions = ids.zip(stack.pools.iter().cloned()).collect();
        stack.tasks.spawn(InvokeApi::new(functions, events, report).serve(invoke, stack.stop.clone()));
        Ok(stack)
    }

    async fn start_event_sources(
        &mut self,
        triggers: &Triggers<'_>,
        events: &Arc<AsyncInvocations>,
    ) -> Result<(), Error> {
        for (function, pool) in triggers.template.functions.iter().zip(self.pools.clone()) {
            for event in &function.events {
                let trigger = match event {
                    EventSource::Sqs(source) if source.enabled => {
                        triggers.start_sqs(self, (function, &pool), source)?
                    }
                    EventSource::Stream(source) if source.enabled => {
                        triggers.start_stream(self, &pool, source).await?
                    }
                    EventSource::Schedule(source) if source.enabled => {
                        triggers.start_schedule(self, &pool, source, events)?
                    }
                    _ => continue,
                };
                self.triggers.push((trigger, function.name.clone()));
            }
        }
        Ok(())
    }

    /// Stops everything: no more polling and requests, a moment for what is under way, then the functions, then the
    /// servers they used. With `hurry`, nothing is waited for but the end of killed processes. Nothing is left behind.
    pub async fn stop(mut self, hurry: &CancellationToken) {
        self.stop.cancel();
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        let _ = hurry.run_until_cancelled(timeout(DRAIN_WITHIN, drained)).await;
        futures_util::future::join_all(self.pools.iter().map(|pool| pool.stop(hurry))).await;
        self.tasks.shutdown().await;
        self.stop_sqs.cancel();
        if let Some(embedded) = self.embedded.take() {
            embedded.stop().await;
        }
    }
}

fn unsupported(template: &Path, line: usize, message: String) -> Error {
    Error::Unsupported { path: template.display().to_string(), line, message }
}
