//! What `sam local` lacks of the stack: tables, queues, and the event sources that invoke functions by themselves.
//! scripts/sam-local-stack runs it; the suite's backend `sam-local` is the whole.
//!
//!     sam-local DYNAMODB_URL API_URL LAMBDA_URL ADDRESS FOLDER
//!
//! Makes the tables of template.yaml in the DynamoDB at `DYNAMODB_URL` and seeds them, and the queues in an embedded SQS.
//! Both are served again, behind one endpoint, on `ADDRESS`, which is this machine's as the containers see it. Writes
//! `FOLDER/variables.json` for `sam local --env-vars`, then `FOLDER/shop.json` for the suite's `SHOP_STACK`. Then it polls
//! the orders stream and the queues, and invokes their functions at `LAMBDA_URL`, until SIGTERM or Ctrl-C. Schedules do
//! not run.

#![allow(clippy::unwrap_used, reason = "a program that cannot continue must end with a message")]

mod sources;

use std::{collections::BTreeMap, env, fs, path::Path};

use e2e::{Proxy, shutdown_requested, workspace};
use local_dynamo::development_parameters;
use local_lambda::{aws_account::AwsAccount, resources, sqs_server};
use sam_template::{Settings, Template};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const REGION: &str = "us-east-1";
const ACCOUNT_ID: &str = "000000000000";
/// What `sam local --add-host` calls this machine in the containers.
const HOST: &str = "host.docker.internal";

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [dynamodb, api, lambda, address, folder] = arguments.as_slice() else {
        eprintln!("usage: sam-local DYNAMODB_URL API_URL LAMBDA_URL ADDRESS FOLDER");
        std::process::exit(2);
    };
    let stop = CancellationToken::new();
    let account = AwsAccount { id: ACCOUNT_ID.to_owned(), region: REGION.to_owned() };
    let sqs = sqs_server::start(0, &account, stop.clone()).await.unwrap();
    let both = Proxy::start_for_both(address, dynamodb, &sqs).await;
    let port = both.endpoint.rsplit_once(':').unwrap().1;
    let endpoint = format!("http://{HOST}:{port}");

    let parameters = [
        ("AwsEndpointUrl", endpoint.as_str()),
        ("PaymentLatencyMs", "0..20"),
        ("PaymentTimeoutMs", "1000"),
        ("PaymentVisibilitySeconds", "5"),
    ];
    let settings = Settings {
        region: REGION.to_owned(),
        account_id: ACCOUNT_ID.to_owned(),
        parameters: development_parameters()
            .into_iter()
            .chain(parameters.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect(),
        ..Settings::default()
    };
    let template = Template::load(&workspace().join("template.yaml"), &settings).unwrap();
    let dynamodb_client = embedded_dynamodb::client(dynamodb, REGION, "local");
    let sqs_client = sqs_server::client(&sqs, REGION, "local");
    let resource_ids = resources::create(&template, account, &dynamodb_client, &sqs_client).await.unwrap();
    let products = fs::read_to_string(workspace().join("seed/products.json")).unwrap();
    local_dynamo::seed(&dynamodb_client, &resource_ids.tables["CatalogTable"], &products).await.unwrap();

    let variables: BTreeMap<_, _> = template
        .functions
        .iter()
        .map(|function| (&function.logical_id, resource_ids.environment(function).unwrap()))
        .collect();
    write(folder, "variables.json", &json!(variables));
    let functions: BTreeMap<_, _> =
        template.functions.iter().map(|function| (&function.logical_id, &function.logical_id)).collect();
    let shop = json!({"http": api, "lambda": lambda, "dynamodb": dynamodb, "sqs": sqs, "region": REGION,
        "tables": resource_ids.tables, "queues": resource_ids.queue_urls, "functions": functions});
    write(folder, "shop.json", &shop);

    let _sources = sources::start(&template, &resource_ids, dynamodb, &sqs_client, lambda);
    shutdown_requested().await;
    stop.cancel();
}

/// The file appears whole.
fn write(folder: &str, name: &str, content: &serde_json::Value) {
    let file = Path::new(folder).join(name);
    let unfinished = file.with_extension("unfinished");
    fs::write(&unfinished, content.to_string()).unwrap();
    fs::rename(unfinished, file).unwrap();
}
