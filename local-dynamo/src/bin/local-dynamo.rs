//! Serves the embedded DynamoDB with the template's tables and the demo catalogue, or prepares another endpoint.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Parser;
use embedded_dynamodb::{Embedded, client, ensure_tables};
use lambda_kit::aws::Aws;
use local_dynamo::{Seeded, development_parameters, seed};
use sam_template::{Settings, Template};

/// DynamoDB for development. Without options: serves an embedded DynamoDB on port 8000 until Ctrl-C, with the tables
/// of template.yaml and the products of seed/products.json.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The SAM template that declares the tables.
    #[arg(long, default_value = "template.yaml")]
    template: PathBuf,
    /// The products, a JSON list.
    #[arg(long, default_value = "seed/products.json")]
    seed: PathBuf,
    /// Creates the tables and seeds them at this endpoint (DynamoDB Local, an emulator), and exits.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Seeds this table on AWS, with region and credentials from the environment, and exits. Creates nothing.
    #[arg(long, value_name = "NAME", conflicts_with = "endpoint")]
    aws_catalog_table: Option<String>,
    /// The logical id of the table that is seeded.
    #[arg(long, value_name = "LOGICAL_ID", default_value = "CatalogTable")]
    catalog: String,
    /// The port of the embedded server; 0 takes any free one.
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// Keeps the embedded server's data in this folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let products = fs::read_to_string(&arguments.seed).map_err(|error| {
        format!("cannot read {}: {error}. Name it with --seed.", arguments.seed.display())
    })?;
    if let Some(table) = &arguments.aws_catalog_table {
        report(table, seed(&Aws::from_env()?.dynamodb(), table, &products).await?);
        return Ok(());
    }
    let settings = Settings { parameters: development_parameters(), ..Settings::default() };
    let template = Template::load(&arguments.template, &settings)?;
    let (embedded, endpoint) = match &arguments.endpoint {
        Some(endpoint) => (None, endpoint.clone()),
        None => {
            let server =
                Embedded::start(arguments.dynamodb_port, &settings.region, arguments.data.as_deref()).await?;
            let endpoint = server.endpoint();
            (Some(server), endpoint)
        }
    };
    let client = client(&endpoint, &settings.region, "local");
    let tables = ensure_tables(&client, &template).await?;
    let names: Vec<_> = tables.values().map(String::as_str).collect();
    println!("{endpoint} has the tables {}", names.join(", "));
    if let Some(table) = tables.get(&arguments.catalog) {
        report(table, seed(&client, table, &products).await?);
    }
    if let Some(server) = embedded {
        println!("Ctrl-C stops it.");
        tokio::signal::ctrl_c().await?;
        server.stop().await;
    }
    Ok(())
}

fn report(table: &str, Seeded { inserted, present }: Seeded) {
    println!("{table}: {inserted} products are new, {present} were there");
}
