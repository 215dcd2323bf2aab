//! `GET /health`: whether the shop and what it depends on answer.

use std::{collections::BTreeMap, time::Instant};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use domain_primitives::Problem;
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    config::{self, ConfigError},
    http::{Request, Response},
    queue::Queue,
};
use serde::Serialize;
use tokio::time::Duration;

/// What the shop depends on. Build it once, outside the handler.
#[derive(Debug)]
pub struct Dependencies {
    client: Client,
    catalog_table: String,
    orders_table: String,
    payments_table: String,
    payments_queue: Queue,
}

/// A dependency that needs longer counts as down.
const CHECK_WITHIN: Duration = Duration::from_secs(2);

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
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self {
            client: aws.dynamodb(),
            catalog_table: config::required("CATALOG_TABLE")?,
            orders_table: config::required("ORDERS_TABLE")?,
            payments_table: config::required("PAYMENTS_TABLE")?,
            payments_queue: Queue::new(aws.sqs(), config::required("PAYMENTS_QUEUE_URL")?),
        })
    }

    /// Reads an item that is not there: the cheapest call that needs the table.
    async fn table(&self, table: &str, key: &[&str], deadline: Deadline) -> Result<(), Error> {
        let none = |name: &&str| ((*name).to_owned(), AttributeValue::S("health".to_owned()));
        let request = self.client.get_item().table_name(table).set_key(Some(key.iter().map(none).collect()));
        deadline.send("DynamoDB", request.send()).await.map(|_| ())
    }
}

/// Asks every dependency at once, and answers the version and how each is.
///
/// # Errors
/// 503 with the same content when one is down.
pub async fn health(dependencies: &Dependencies, request: Request) -> Result<Response, Problem> {
    let deadline = Deadline::within(CHECK_WITHIN.min(request.deadline().remaining()));
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
    let well = dependencies.values().all(|check| check.status == "ok");
    let health = Health {
        status: if well { "ok" } else { "unavailable" },
        version: env!("CARGO_PKG_VERSION"),
        dependencies,
    };
    if well {
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
