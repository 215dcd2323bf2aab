//! Starts the shop on this machine: builds its functions and runs them in the local stack.

use std::{fs, io::Read, path::Path, process::ExitCode};

use clap::Parser;
use local_lambda::{
    Error, Stack,
    cli::Options,
    metering::UnitOfWork,
    report::{Lines, Report},
};
use payment_simulator::{Behaviour, Simulator, StartError};
use payments::Latency;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The catalogue table's logical id, and what it is filled with.
const CATALOG: &str = "CatalogTable";
const PRODUCTS: &str = "seed/products.json";

/// Starts the shop on this machine.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    stack: Options,
    /// The port of the simulated payment provider.
    #[arg(long, default_value_t = 12111)]
    payment_port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { stack: mut options, payment_port } = Arguments::parse();
    // A replayed request is answered with 200, and makes no order.
    options.bill_per.get_or_insert_with(|| UnitOfWork {
        name: "order".to_owned(),
        route: "POST /orders".to_owned(),
        status: Some(201),
    });
    let lines = match (options.quiet, options.verbose) {
        (_, true) => Lines::All,
        (true, _) => Lines::Quiet,
        _ => Lines::Invocations,
    };
    let report = Report::new(lines, options.log_format);
    match run(&mut options, payment_port, report).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &mut Options, payment_port: u16, report: Report) -> Result<(), Error> {
    let mut end = End::new(options.exit_with_stdin)?;
    let provider = payment_provider(options, payment_port).await?;
    let options = &*options;
    let starting = Stack::start(options, report.clone(), |client, tables| async move {
        let file = options.template.parent().unwrap_or(Path::new("")).join(PRODUCTS);
        let (Some(table), false) = (tables.get(CATALOG), options.no_seed) else { return Ok(()) };
        if !file.exists() {
            return Ok(());
        }
        let products = fs::read_to_string(&file)
            .map_err(|cause| Error::System { action: format!("read {}", file.display()), cause })?;
        local_dynamo::seed(&client, table, &products)
            .await
            .map_err(|error| Error::Prepare(error.to_string()))?;
        Ok(())
    });
    let mut stack = tokio::select! {
        stack = starting => stack?,
        () = end.wait() => return Ok(()),
    };
    if let Some(provider) = &provider {
        stack.addresses.others.insert("payment_provider".to_owned(), provider.url.clone());
    }
    if let Some(file) = &options.ready_file {
        stack
            .addresses
            .write(&stack.resource_ids, file)
            .map_err(|cause| Error::System { action: format!("write {}", file.display()), cause })?;
    }
    report.note(&welcome(&stack));
    let result = tokio::select! {
        () = end.wait() => Ok(()),
        error = stack.broken() => Err(error),
    };
    report.note("stopping ...");
    if !options.quiet {
        match stack.bill().await {
            Ok(bill) => {
                report.note(&format!("\nWhat AWS would bill for this session (docs/cost.md):\n\n{bill}"));
            }
            Err(error) => report.note(&format!("no bill: {error}")),
        }
    }
    let hurry = CancellationToken::new();
    let impatient = async {
        end.signal().await;
        hurry.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stack.stop(&hurry) => {}
        () = impatient => {}
    }
    result
}

/// Starts the payment simulator and tells the template where it is, unless a parameter names another provider.
async fn payment_provider(options: &mut Options, port: u16) -> Result<Option<Simulator>, Error> {
    let parameter = |name: &str| {
        options.parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    let stripe = parameter("PaymentProvider").is_some_and(|provider| provider != "simulated");
    if stripe || parameter("PaymentProviderUrl").is_some() {
        return Ok(None);
    }
    let latency = parameter("PaymentLatencyMs").map_or(Ok(Latency::default()), str::parse);
    let failure_rate = parameter("PaymentFailureRate").map_or(Ok(0.0), rate);
    let refused = |name| move |why| Error::Parameter { name, why };
    let behaviour = Behaviour {
        latency: latency.map_err(refused("PaymentLatencyMs"))?,
        failure_rate: failure_rate.map_err(refused("PaymentFailureRate"))?,
    };
    // A folder that cannot be used is the stack's to refuse.
    let folder = options.data.as_ref().filter(|folder| fs::create_dir_all(folder).is_ok());
    let journal = folder.map(|folder| folder.join("payment-provider.jsonl"));
    let simulator =
        Simulator::start(port, behaviour, journal.as_deref()).await.map_err(|error| match error {
            StartError::Port { port, .. } => Error::PortTaken { port, flag: "--payment-port" },
            StartError::Journal { path, cause } => Error::System { action: format!("use {path}"), cause },
        })?;
    options.parameters.push(("PaymentProviderUrl".to_owned(), simulator.url.clone()));
    options.web_services.push(simulator.url.clone());
    Ok(Some(simulator))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

/// What ends the stack: Ctrl-C, SIGTERM, or the end of standard input if that was asked for.
struct End {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    stdin: Option<tokio::sync::oneshot::Receiver<()>>,
}

impl End {
    fn new(with_stdin: bool) -> Result<Self, Error> {
        let listen = |kind| {
            signal(kind).map_err(|cause| Error::System { action: "listen for signals".to_owned(), cause })
        };
        let stdin = with_stdin.then(|| {
            let (ended, stdin) = tokio::sync::oneshot::channel();
            // A thread of its own: a read of standard input cannot be cancelled.
            std::thread::spawn(move || {
                let _ = std::io::stdin().read_to_end(&mut Vec::new());
                let _ = ended.send(());
            });
            stdin
        });
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            stdin,
        })
    }

    async fn wait(&mut self) {
        let Self { interrupt, terminate, stdin } = self;
        let stdin = async {
            match stdin {
                Some(ended) => _ = ended.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = stdin => {}
        }
    }

    /// Signals only: standard input ends once.
    async fn signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn welcome(stack: &Stack) -> String {
    let addresses = &stack.addresses;
    let mut text = format!(
        "\n  The shop is open.\n\n  HTTP API    {}\n  Invoke API  {}\n  Control     {}/_local/functions\n  DynamoDB    {}\n  SQS         {}\n",
        addresses.http, addresses.invoke, addresses.control, addresses.dynamodb, addresses.sqs
    );
    for (name, address) in &addresses.others {
        text.push_str(&format!("  {:<11} {address}\n", name.replace('_', " ")));
    }
    text.push('\n');
    for (trigger, function) in stack.routes.iter().chain(&stack.triggers) {
        text.push_str(&format!("  {trigger:<32} {function}\n"));
    }
    let order = r#"{"items":[{"product_id":"PRODUCT_ID","quantity":2}],"payment_method":"tok_visa","customer":{"email":"a@example.com"}}"#;
    text.push_str(&format!(
        "\n  Try next, in another terminal:\n\n    curl -s '{http}/products?limit=3'\n    curl -si {http}/orders \
         -H 'content-type: application/json' -H 'idempotency-key: demo-0000000001' \\\n      -d '{order}'\n    curl -s \
         {http}/orders/ORDER_ID\n\n  With tok_declined the payment fails and the stock comes back. Ctrl-C stops everything.\n",
        http = addresses.http
    ));
    text
}
