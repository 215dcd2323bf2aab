//! The phases of start-up before anything invokes a function. Each consumes the one before it, and dropping any of them
//! stops what has been started by then.

use std::{collections::BTreeMap, sync::Arc};

use embedded_dynamodb::{Embedded, TemporaryFolder};
use loopback::Listener;
use sam_template::{EventSource, Problem, Settings, Template};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    access_keys::AccessKeys,
    aws_account::AwsAccount,
    build::{Binaries, Projects},
    cli::Options,
    code,
    concurrency::{Concurrency, Unreserved},
    environment::Services,
    error::Error,
    event_sources::{filter::Filter, schedule::Expression},
    faults::{Faults, Plan},
    function_config::FunctionConfig,
    hosted_function::HostedFunction,
    metering::{self, Endpoints, Metering, UsageRecorder},
    pool::Pool,
    ready::Addresses,
    report::Report,
    resource_ids::ResourceIds,
    resources, server, sqs_server,
};

/// The account id in every ARN.
const ACCOUNT_ID: &str = "000000000000";

/// The template has been read, and everything in it can be hosted.
pub(super) struct LoadedTemplate {
    template: Template,
    projects: Projects,
    account: AwsAccount,
}

/// The ports are bound, and DynamoDB and SQS run here or elsewhere.
pub(super) struct Servers {
    pub(super) template: Template,
    projects: Projects,
    account: AwsAccount,
    pub(super) listeners: Listeners,
    pub(super) addresses: Addresses,
    /// None when the options name another DynamoDB.
    pub(super) embedded_dynamodb: Option<Embedded>,
    /// Stops the embedded SQS and, later, the proxies.
    pub(super) stop: DropGuard,
    stop_token: CancellationToken,
}

/// The ports of the stack's own APIs.
pub(super) struct Listeners {
    pub(super) http: Listener,
    pub(super) invoke: Listener,
    pub(super) control: Listener,
}

/// The tables and queues exist.
pub(super) struct Resources {
    pub(super) servers: Servers,
    pub(super) ids: Arc<ResourceIds>,
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    pub(super) sqs: aws_sdk_sqs::Client,
}

/// The functions can be invoked, and their calls pass the counting proxies.
pub(super) struct HostedFunctions {
    pub(super) resources: Resources,
    pub(super) projects: Projects,
    pub(super) binaries: Binaries,
    /// In the order of the template.
    pub(super) functions: Vec<HostedFunction>,
    pub(super) metering: Metering,
    pub(super) faults: Arc<Faults>,
}

impl LoadedTemplate {
    /// Reads the template; an error lists everything in it that cannot be hosted.
    pub(super) fn load(options: &Options, report: &Report) -> Result<Self, Error> {
        let account = AwsAccount { id: ACCOUNT_ID.to_owned(), region: options.region.clone() };
        let settings = Settings {
            region: account.region.clone(),
            account_id: account.id.clone(),
            parameters: options.parameters.iter().cloned().collect(),
            ..Settings::default()
        };
        let mut code = BTreeMap::new();
        let template = Template::load_with(&options.template, &settings, |template| {
            let (located, mut problems) = code::locate(template, options.bin_dir.as_deref());
            code = located;
            problems.extend(events(template));
            problems
        })?;
        report_template(&template, report);
        Ok(Self { template, projects: Projects::new(code, options.release), account })
    }

    /// Binds the ports, and starts DynamoDB and SQS unless the options name others.
    pub(super) async fn start_servers(self, options: &Options) -> Result<Servers, Error> {
        let Self { template, projects, account } = self;
        let http = server::listen(options.port, "--port").await?;
        let invoke = server::listen(options.invoke_port, "--invoke-port").await?;
        let control = server::listen(options.control_port, "--control-port").await?;
        let stop_token = CancellationToken::new();
        let stop = stop_token.clone().drop_guard();
        let sqs = match &options.sqs_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => sqs_server::start(options.sqs_port, &account, stop_token.clone()).await?,
        };
        let (embedded_dynamodb, dynamodb) = match &options.dynamodb_endpoint {
            Some(endpoint) => (None, endpoint.clone()),
            None => {
                let server =
                    Embedded::start(options.dynamodb_port, &options.region, options.data.as_deref()).await?;
                let endpoint = server.endpoint();
                (Some(server), endpoint)
            }
        };
        let addresses =
            Addresses { http: http.url(), invoke: invoke.url(), control: control.url(), dynamodb, sqs };
        let listeners = Listeners { http, invoke, control };
        Ok(Servers { template, projects, account, listeners, addresses, embedded_dynamodb, stop, stop_token })
    }
}

impl Servers {
    /// Creates the tables and queues that do not exist yet.
    pub(super) async fn create_resources(self) -> Result<Resources, Error> {
        let region = &self.account.region;
        let dynamodb = embedded_dynamodb::client(&self.addresses.dynamodb, region, "local");
        let sqs = sqs_server::client(&self.addresses.sqs, region, "local");
        let ids = resources::create(&self.template, self.account.clone(), &dynamodb, &sqs).await?;
        Ok(Resources { servers: self, ids: Arc::new(ids), dynamodb, sqs })
    }
}

impl Resources {
    /// Builds the functions, starts the counting proxies, and creates a pool of environments for each function.
    pub(super) async fn host_functions(
        self,
        options: &Options,
        report: &Report,
    ) -> Result<HostedFunctions, Error> {
        let Servers { template, projects, addresses, stop_token, .. } = &self.servers;
        let projects = projects.clone();
        match projects.unbuilt() {
            0 => {}
            count => report.note(&format!("building {count} functions ...")),
        }
        let binaries = projects.build().await?;
        let access_keys = Arc::new(AccessKeys::default());
        let usage = UsageRecorder::new(
            template,
            &options.region,
            options.bill_per.clone(),
            Arc::clone(&access_keys),
        )?;
        let usage = Arc::new(usage);
        let faults = Arc::new(Faults::new(Arc::clone(&access_keys)));
        if let Some(file) = &options.faults {
            faults.set(Plan::load(file)?);
        }
        let endpoints = Endpoints {
            dynamodb: &addresses.dynamodb,
            sqs: &addresses.sqs,
            web_services: &options.web_services,
            tables: metering::tables(template, &self.ids),
        };
        let metering = Metering::start(Arc::clone(&usage), faults.clone(), endpoints, stop_token).await?;
        let temporary = TemporaryFolder::create()
            .map_err(|cause| Error::system("create a folder for temporary files", cause))?;
        let services =
            Services { access_keys, usage, faults: Arc::clone(&faults), temporary: Arc::new(temporary) };
        let reserved = template.functions.iter().filter_map(|function| function.reserved_concurrency);
        let unreserved = Unreserved::new(options.account_concurrency, reserved);
        let host = |function: &sam_template::Function| {
            let config = FunctionConfig::new(function, &binaries, &self.ids, &metering)?;
            let concurrency = Concurrency::new(function.reserved_concurrency, unreserved.clone());
            let pool =
                Pool::new(config, concurrency, options.max_environments, report.clone(), services.clone());
            Ok(HostedFunction { declaration: function.clone(), pool: Arc::new(pool) })
        };
        let functions = template.functions.iter().map(host).collect::<Result<_, Error>>()?;
        Ok(HostedFunctions { resources: self, projects, binaries, functions, metering, faults })
    }
}

/// The filter patterns and the schedules that are malformed.
fn events(template: &Template) -> Vec<Problem> {
    let events = template.functions.iter().flat_map(|function| &function.events);
    let problem = |event: &EventSource| match event {
        EventSource::Sqs(source) => Filter::compile(&source.filters).err(),
        EventSource::Stream(source) => Filter::compile(&source.filters).err(),
        EventSource::Schedule(source) => Expression::of(source).err(),
        EventSource::HttpApi(_) => None,
    };
    events.filter_map(problem).collect()
}

/// Says what may not be meant, and what functions may miss.
fn report_template(template: &Template, report: &Report) {
    for Problem { at, message } in &template.warnings {
        report.note(&format!("{}:{at}: {message}", template.path.display()));
    }
    if !template.not_hosted.is_empty() {
        report.note(&format!("not hosted: {}", template.not_hosted.join(", ")));
    }
}
