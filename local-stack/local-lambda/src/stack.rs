//! The whole stack: started in order, and taken apart in order.

mod event_sources;
mod function_config;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use crate::aws_clients::AwsClients;
use embedded_dynamodb::Embedded;
use meter::prices::PriceError;
use sam_template::{EventSource, Settings, Template};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use self::event_sources::Triggers;
use crate::{
    async_invocation::AsyncInvocations,
    build::Projects,
    cli::Options,
    concurrency::{Concurrency, Unreserved},
    control_api::ControlApi,
    environment::Services,
    error::Error,
    event_sources::stream::IteratorAge,
    faults::{Faults, Plan},
    http_api::HttpApi,
    invoke_api::InvokeApi,
    metering::{Metering, UsageRecorder},
    pool::Pool,
    ready::Addresses,
    rebuild,
    report::Report,
    resource_ids::ResourceIds,
    server::{self, Listener},
    sqs_server,
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
    pub resource_ids: Arc<ResourceIds>,
    /// The routes of the HTTP API and the functions they go to.
    pub routes: Vec<(String, String)>,
    /// What else invokes functions: the trigger and the function.
    pub triggers: Vec<(String, String)>,
    pools: Vec<Arc<Pool>>,
    iterator_ages: BTreeMap<String, Arc<IteratorAge>>,
    metering: Metering,
    embedded: Option<Embedded>,
    /// Ends polling and listening.
    stop: CancellationToken,
    /// Ends the embedded SQS and the proxies, which functions need until they have ended.
    stop_servers: CancellationToken,
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
        let mut resource_ids = ResourceIds::of(&template, &options.region, ACCOUNT_ID);
        let (http, http_port) = Listener::bind(options.port, "--port").await?;
        let (invoke, invoke_port) = Listener::bind(options.invoke_port, "--invoke-port").await?;
        let (control, control_port) = Listener::bind(options.control_port, "--control-port").await?;
        let stop_servers = CancellationToken::new();
        let sqs = match &options.sqs_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => {
                sqs_server::start(options.sqs_port, &options.region, ACCOUNT_ID, stop_servers.clone()).await?
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
        let aws = AwsClients::new(&options.region, &dynamodb, &sqs);
        resource_ids.make(&aws, &template).await?;
        prepare(aws.dynamodb(), resource_ids.tables.clone()).await?;
        // Last, because it may take minutes: what is wrong shows before.
        let projects = Projects::of(&template, options.release);
        let binaries = match &options.bin_dir {
            Some(folder) => projects.find(folder)?,
            None => {
                report.note(&format!("building {} functions ...", template.functions.len()));
                projects.build().await?
            }
        };

        let account = Arc::new(UsageRecorder::new(&template, &options.region, options.bill_per.clone())?);
        let faults = Arc::new(Faults::new(Arc::clone(account.access_keys())));
        if let Some(file) = &options.faults {
            faults.set(Plan::load(file)?);
        }
        let endpoints = (dynamodb.as_str(), sqs.as_str(), options.web_services.as_slice());
        let metering =
            Metering::start(account, &faults, &template, &resource_ids, endpoints, &stop_servers).await?;
        let resource_ids = Arc::new(resource_ids);
        let mut pools = Vec::new();
        let reserved = template.functions.iter().filter_map(|function| function.reserved_concurrency);
        let unreserved = Unreserved::of(options.account_concurrency, reserved);
        for function in &template.functions {
            let config = function_config::function_config(function, &binaries, &resource_ids, &metering)?;
            let concurrency = Concurrency::new(function.reserved_concurrency, unreserved.clone());
            let services = Services { account: Arc::clone(&metering.account), faults: Arc::clone(&faults) };
            let pool = Pool::new(config, concurrency, options.max_environments, report.clone(), services);
            pools.push(Arc::new(pool));
        }
        let mut stack = Self {
            addresses: Addresses {
                http: format!("http://127.0.0.1:{http_port}"),
                invoke: format!("http://127.0.0.1:{invoke_port}"),
                control: format!("http://127.0.0.1:{control_port}"),
                dynamodb,
                sqs,
                others: BTreeMap::new(),
            },
            resource_ids,
            routes: Vec::new(),
            triggers: Vec::new(),
            pools,
            iterator_ages: BTreeMap::new(),
            metering,
            embedded,
            stop: CancellationToken::new(),
            stop_servers,
            tasks: JoinSet::new(),
        };
        let retire_after = Duration::from_secs(options.retire_after.into());
        let replaced = rebuild::replace_rebuilt(stack.pools.clone(), report.clone(), stack.stop.clone());
        stack.tasks.spawn(replaced);
        if options.watch {
            stack.tasks.spawn(rebuild::watch(projects, binaries, report.clone(), stack.stop.clone()));
        }
        for pool in &stack.pools {
            stack.tasks.spawn(Arc::clone(pool).retire(retire_after, stack.stop.clone()));
        }
        let pollers = stack.metering.pollers(&options.region);
        let triggers = Triggers { template: &template, aws: &pollers, report: &report };
        let events = Arc::new(triggers.async_invocations(&stack)?);
        stack.start_event_sources(&triggers, &events).await?;
        let api = HttpApi::new(
            &template,
            &stack.pools,
            (ACCOUNT_ID, &options.region),
            Arc::clone(&stack.metering.account),
            report.clone(),
        );
        stack.routes = api.describe();
        stack.tasks.spawn(server::serve(http, stack.stop.clone(), api));
        let control_api = ControlApi {
            functions: stack.pools.clone(),
            iterator_ages: stack.iterator_ages.clone(),
            resource_ids: Arc::clone(&stack.resource_ids),
            sqs: aws.sqs(),
            account: Arc::clone(&stack.metering.account),
            faults,
        };
        stack.tasks.spawn(server::serve(control, stack.stop.clone(), control_api));
        let ids = template.functions.iter().map(|function| function.logical_id.clone());
        let functions = ids.zip(stack.pools.iter().cloned()).collect();
        let invoke_api = InvokeApi::new(functions, events, report);
        stack.tasks.spawn(server::serve(invoke, stack.stop.clone(), invoke_api));
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

    /// Completes when a part of the stack has panicked, with what it is known by: then the rest must not go on as if
    /// nothing had happened.
    pub async fn broken(&mut self) -> Error {
        loop {
            match self.tasks.join_next().await {
                Some(Err(error)) if error.is_panic() => return Error::Broken(error.to_string()),
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// What all of it would be billed as so far, as a table; why there is none for regions without known prices.
    ///
    /// # Errors
    /// When no prices are known for the region.
    pub async fn bill(&self) -> Result<String, PriceError> {
        self.metering.quiet().await;
        self.metering.account.table()
    }

    /// Stops everything: no more polling and requests, a moment for what is under way, then the functions, then the
    /// servers they used. With `hurry`, nothing is waited for but the end of killed processes. Nothing is left behind.
    pub async fn stop(mut self, hurry: &CancellationToken) {
        self.stop.cancel();
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        let _ = hurry.run_until_cancelled(timeout(DRAIN_WITHIN, drained)).await;
        futures_util::future::join_all(self.pools.iter().map(|pool| pool.stop(hurry))).await;
        self.tasks.shutdown().await;
        self.stop_servers.cancel();
        if let Some(embedded) = self.embedded.take() {
            embedded.stop().await;
        }
    }
}

fn unsupported(template: &Path, line: usize, message: String) -> Error {
    Error::Unsupported { path: template.display().to_string(), line, message }
}
