//! The whole stack: started in order, and stopped in order.

mod event_sources;
mod startup;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use embedded_dynamodb::Embedded;
use loopback::Clients;
use meter::prices::PriceError;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    event_sources::EventSources,
    startup::{HostedFunctions, LoadedTemplate, Resources, Servers},
};
use crate::{
    cli::Options,
    control_api::ControlApi,
    error::Error,
    hosted_function::{HostedFunction, Trigger},
    http_api::HttpApi,
    invoke_api::InvokeApi,
    metering::Metering,
    ready::Addresses,
    rebuild,
    report::Report,
    resource_ids::ResourceIds,
    server,
};

/// How long running invocations may take to end when the stack stops.
const DRAIN_WITHIN: Duration = Duration::from_millis(500);

/// A running stack. Dropping it stops it as well, without waiting for anything.
#[derive(Debug)]
pub struct Stack {
    /// The addresses of its servers.
    pub addresses: Addresses,
    /// The names, URLs and ARNs of the template's resources.
    pub resource_ids: Arc<ResourceIds>,
    /// What invokes functions: the routes of the HTTP API first, then the event sources.
    pub triggers: Vec<Trigger>,
    functions: Vec<HostedFunction>,
    metering: Metering,
    embedded_dynamodb: Option<Embedded>,
    tasks: JoinSet<()>,
    /// Stops polling and listening.
    stop: DropGuard,
    /// Stops the embedded SQS and the proxies, which functions need until they have ended.
    stop_servers: DropGuard,
}

impl Stack {
    /// Starts everything that the template declares. `prepare` receives a DynamoDB client and the table names by logical
    /// id before any function can run, for example to seed the tables.
    ///
    /// # Errors
    /// The first thing that is missing or wrong. Dropping a phase stops what it has started.
    pub async fn start<F, Fut>(options: &Options, report: Report, prepare: F) -> Result<Self, Error>
    where
        F: FnOnce(aws_sdk_dynamodb::Client, BTreeMap<String, String>) -> Fut,
        Fut: Future<Output = Result<(), Error>>,
    {
        let template = LoadedTemplate::load(options, &report)?;
        let servers = template.start_servers(options).await?;
        let resources = servers.create_resources().await?;
        prepare(resources.dynamodb.clone(), resources.ids.tables.clone()).await?;
        // A build may take minutes, so every error before it is reported first.
        let hosted = resources.host_functions(options, &report).await?;
        Self::run(hosted, options, &report).await
    }

    /// The last phase: starts what invokes the functions.
    async fn run(hosted: HostedFunctions, options: &Options, report: &Report) -> Result<Self, Error> {
        let HostedFunctions { resources, projects, binaries, functions, metering, faults } = hosted;
        let Resources { servers, ids, sqs, .. } = resources;
        let Servers { template, listeners, addresses, embedded_dynamodb, stop: stop_servers, .. } = servers;
        let stop = CancellationToken::new();
        let stop_guard = stop.clone().drop_guard();
        let mut tasks = JoinSet::new();

        let pools: Vec<_> = functions.iter().map(|function| Arc::clone(&function.pool)).collect();
        tasks.spawn(rebuild::replace_rebuilt(pools.clone(), report.clone(), stop.clone()));
        if options.watch {
            tasks.spawn(rebuild::watch(projects, binaries, report.clone(), stop.clone()));
        }
        let retire_after = Duration::from_secs(options.retire_after.into());
        for pool in &pools {
            tasks.spawn(Arc::clone(pool).retire(retire_after, stop.clone()));
        }

        let poller_sqs = metering.poller_sqs(&options.region);
        let event_sources = EventSources {
            template: &template,
            resource_ids: &ids,
            dynamodb_endpoint: &addresses.dynamodb,
            sqs: &poller_sqs,
            report,
            stop: &stop,
        };
        let started = event_sources.start(&functions, &mut tasks).await?;

        let usage = &metering.usage;
        let http_api =
            HttpApi::new(template.http_api.as_ref(), &functions, &ids.account, Arc::clone(usage), report);
        let mut triggers = http_api.triggers();
        triggers.extend(started.triggers);
        tasks.spawn(server::serve(listeners.http, Clients::Any, stop.clone(), http_api));
        let control_api = ControlApi {
            functions: pools,
            iterator_ages: started.iterator_ages,
            resource_ids: Arc::clone(&ids),
            sqs,
            usage: Arc::clone(usage),
            faults,
        };
        tasks.spawn(server::serve(listeners.control, Clients::OfThisMachine, stop.clone(), control_api));
        let invoke_api =
            InvokeApi::new(functions.clone(), started.async_invocations, Arc::clone(&ids), report.clone());
        tasks.spawn(server::serve(listeners.invoke, Clients::OfThisMachine, stop, invoke_api));

        Ok(Self {
            addresses,
            resource_ids: ids,
            triggers,
            functions,
            metering,
            embedded_dynamodb,
            tasks,
            stop: stop_guard,
            stop_servers,
        })
    }

    /// Completes with an error when a part of the stack has panicked: the rest must not continue as if nothing had
    /// happened.
    pub async fn broken(&mut self) -> Error {
        loop {
            match self.tasks.join_next().await {
                Some(Err(error)) if error.is_panic() => return Error::Broken(error.to_string()),
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// The bill so far, as a table.
    ///
    /// # Errors
    /// When no prices are known for the region.
    pub async fn bill(&self) -> Result<String, PriceError> {
        self.metering.flush().await;
        self.metering.usage.bill_table()
    }

    /// Stops everything: first polling and listening, then the functions, then the servers they used. Running
    /// invocations have a moment to end. When `hurry` is cancelled, it waits only for the end of killed processes.
    pub async fn stop(mut self, hurry: &CancellationToken) {
        drop(self.stop);
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        let _ = hurry.run_until_cancelled(timeout(DRAIN_WITHIN, drained)).await;
        futures_util::future::join_all(self.functions.iter().map(|function| function.pool.stop(hurry))).await;
        self.tasks.shutdown().await;
        drop(self.stop_servers);
        if let Some(embedded) = self.embedded_dynamodb {
            embedded.stop().await;
        }
    }
}
