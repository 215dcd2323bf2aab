//! Starts the shop on this machine: builds its functions and runs them in the local stack. So it does with any other SAM
//! template; what is the shop's it does only for a template that has it.

mod parameters;
mod payment_provider;
mod shutdown;
mod welcome;

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use clap::Parser;
use local_lambda::{
    Error, Stack,
    cli::Options,
    metering::UnitOfWork,
    ready::OtherServers,
    report::{Lines, Report},
};
use tokio_util::sync::CancellationToken;

use self::{parameters::Declared, shutdown::Shutdown};

/// The catalogue table's logical id, and the file with the products to seed it with.
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
    let Arguments { stack: options, payment_port } = Arguments::parse();
    let lines = match (options.quiet, options.verbose) {
        (_, true) => Lines::All,
        (true, _) => Lines::Quiet,
        _ => Lines::Invocations,
    };
    let report = Report::new(lines, options.log_format);
    match run(options, payment_port, &report).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the shop, waits until it is to stop or is broken, and stops it.
async fn run(mut options: Options, payment_port: u16, report: &Report) -> Result<(), Error> {
    let mut shutdown = Shutdown::listen(options.exit_with_stdin)?;
    let declared = Declared::of(&options)?;
    declared.supply(&mut options, local_dynamo::development_parameters());
    let simulator = payment_provider::start(&mut options, &declared, payment_port).await?;
    if declared.contains(payment_provider::PROVIDER_URL) {
        // The response to a replayed request has status 200 and creates no order.
        options.bill_per.get_or_insert_with(|| UnitOfWork {
            name: "order".to_owned(),
            route: welcome::PLACE_ORDER.to_owned(),
            status: Some(201),
        });
    }
    let start = Stack::start(&options, report.clone(), |client, tables| seed(client, tables, &options));
    let mut stack = tokio::select! {
        stack = start => stack?,
        () = shutdown.requested() => return Ok(()),
    };
    let others: OtherServers =
        simulator.iter().map(|simulator| ("payment_provider".to_owned(), simulator.url.clone())).collect();
    if let Some(file) = &options.ready_file {
        stack
            .addresses
            .write(&others, &stack.resource_ids, file)
            .map_err(|cause| Error::System { action: format!("write {}", file.display()), cause })?;
    }
    report.note(&welcome::text(&stack, &others));

    let result = tokio::select! {
        () = shutdown.requested() => Ok(()),
        error = stack.broken() => Err(error),
    };
    report.note("stopping ...");
    if !options.quiet {
        report_bill(&stack, report).await;
    }
    stop(stack, &mut shutdown).await;
    result
}

/// Puts the demo products into the catalogue table, if the template has one and the file exists.
async fn seed(
    client: aws_sdk_dynamodb::Client,
    tables: BTreeMap<String, String>,
    options: &Options,
) -> Result<(), Error> {
    let file = options.template.parent().unwrap_or(Path::new("")).join(PRODUCTS);
    let (Some(table), false) = (tables.get(CATALOG), options.no_seed) else { return Ok(()) };
    if !file.exists() {
        return Ok(());
    }
    let products = fs::read_to_string(&file)
        .map_err(|cause| Error::System { action: format!("read {}", file.display()), cause })?;
    local_dynamo::seed(&client, table, &products).await.map_err(|error| Error::Prepare(error.to_string()))?;
    Ok(())
}

async fn report_bill(stack: &Stack, report: &Report) {
    match stack.bill().await {
        Ok(bill) => report.note(&format!("\nWhat AWS would bill for this session (docs/cost.md):\n\n{bill}")),
        Err(error) => report.note(&format!("no bill: {error}")),
    }
}

/// Stops the stack. A further signal makes it hurry.
async fn stop(stack: Stack, shutdown: &mut Shutdown) {
    let hurry = CancellationToken::new();
    let second_signal = async {
        shutdown.signal().await;
        hurry.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stack.stop(&hurry) => {}
        () = second_signal => {}
    }
}
