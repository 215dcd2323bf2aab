//! `GET /health`: whether the shop and its dependencies respond.

use std::{collections::BTreeMap, time::Instant};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use domain_primitives::Problem;
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    config::{self, ConfigError},
    http::{self, Request, Response},
    logging,
    queue::Queue,
};
use serde::Serialize;
use tokio::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let dependencies = &Dependencies::from_env(&Aws::from_env()?)?;
    http::serve(|request| health(dependencies, request)).await
}

/// The shop's dependencies. Build it once, outside the handler.
struct Dependencies {
    client: Client,
    catalog_table: String,
    orders_table: String,
    payments_table: String,
    payments_queue: Queue,
}

/// A dependency that needs longer counts as down.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    dependencies: BTreeMap<&'static str, Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    status: &'static str,
    duration_ms: u64,
}

impl Dependencies {
    /// The tables and the queue that the environment names.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] for the first that is not set.
    fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self {
            client: aws.dynamodb(),
            catalog_table: config::required("CATALOG_TABLE")?,
            orders_table: config::required("ORDERS_TABLE")?,
            payments_table: config::required("PAYMENTS_TABLE")?,
            payments_queue: Queue::new(aws.sqs(), config::required("PAYMENTS_QUEUE_URL")?),
        })
    }

    /// Reads an item that does not exist: the cheapest call that needs the table.
    async fn table(&self, table: &str, key: &[&str], deadline: Deadline) -> Result<(), Error> {
        let attribute = |name: &&str| ((*name).to_owned(), AttributeValue::S("health".to_owned()));
        let request =
            self.client.get_item().table_name(table).set_key(Some(key.iter().map(attribute).collect()));
        deadline.send("DynamoDB", request.send()).await.map(|_| ())
    }
}

/// Checks all dependencies concurrently, and returns the version and the status of each.
///
/// # Errors
/// 503 with the same content when one is down.
async fn health(dependencies: &Dependencies, request: Request) -> Result<Response, Problem> {
    let deadline = Deadline::within(CHECK_TIMEOUT.min(request.deadline().remaining()));
    let Dependencies { catalog_table, orders_table, payments_table, payments_queue, .. } = dependencies;
    let (catalog, orders, payments, queue) = tokio::join!(
        check(dependencies.table(catalog_table, &["product_id", "record"], deadline)),
        check(dependencies.table(orders_table, &["order_id"], deadline)),
        check(dependencies.table(payments_table, &["order_id"], deadline)),
        check(payments_queue.check(deadline)),
    );
    let dependencies = BTreeMap::from([
        ("catalog_table", catalog),
        ("orders_table", orders),
        ("payments_table", payments),
        ("payments_queue", queue),
    ]);
    let healthy = dependencies.values().all(|check| check.status == "ok");
    let health = Health {
        status: if healthy { "ok" } else { "unavailable" },
        version: env!("CARGO_PKG_VERSION"),
        dependencies,
    };
    if healthy {
        return Ok(Response::json(200, &health)?.header("cache-control", "no-store"));
    }
    let down: Vec<_> =
        health.dependencies.iter().filter(|(_, check)| check.status != "ok").map(|(name, _)| *name).collect();
    let content = serde_json::to_value(&health.dependencies).unwrap_or_default();
    Err(Problem::unavailable(format!("down: {}", down.join(", ")))
        .with("version", health.version.into())
        .with("dependencies", content))
}

async fn check(call: impl Future<Output = Result<(), Error>>) -> Check {
    let started = Instant::now();
    let status = match call.await {
        Ok(()) => "ok",
        Err(error) => {
            tracing::warn!(%error, "dependency is down");
            "unavailable"
        }
    };
    Check { status, duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX) }
}
