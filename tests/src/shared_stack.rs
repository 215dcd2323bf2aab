//! The one stack that all tests share, where they cannot have one each.
//!
//! `SHOP_STACK` names a JSON file that describes it, with the members of the local stack's `--ready-file`:
//!
//! ```json
//! {"http": "https://...", "host_header": "...", "region": "...", "dynamodb": "http://...", "sqs": "http://...",
//!  "lambda": "http://...", "tables": {"OrdersTable": "..."}, "queues": {"PaymentsQueue": "http://..."},
//!  "functions": {"HealthFunction": "..."}}
//! ```
//!
//! Only `http` must be there; `SHOP_URL` alone stands for it. Without `dynamodb` and `sqs`, the tables and queues are
//! those of AWS, with region and credentials from the environment. Tests look into tables only when they may also empty
//! them: of the stack under `SHOP_URL`, `SHOP_EMPTY_TABLES=yes` must allow that.
//!
//! Tests take turns. Each begins with empty tables of orders and the demo catalogue as it is seeded; without tables, it
//! takes the stock as it finds it, and relies on nobody else ordering.

use std::{
    env,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use lambda_kit::aws::Aws;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};

use crate::{
    Backend, Client, Need, eventually,
    snapshot::{self, Item},
    stock,
    tables_and_queues::messages_in,
};

/// What is known of it.
#[derive(Debug)]
pub struct SharedStack {
    /// The JSON above.
    pub(crate) description: Value,
    may_empty_tables: bool,
    turn: Arc<Mutex<()>>,
    /// Dead letters that tests have left for people, and those that were there before.
    dead_letters: OnceCell<AtomicU32>,
}

/// What the test before left under way gets this long to end.
const QUIET_WITHIN: Duration = Duration::from_secs(60);
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
const WRITES_AT_ONCE: usize = 25;
/// Endpoints for a stack whose AWS the tests do not know.
const NOWHERE: &str = "http://127.0.0.1:1";

impl SharedStack {
    /// The stack that the environment names.
    ///
    /// # Panics
    /// When it names none.
    pub(crate) fn current() -> &'static Self {
        static CURRENT: LazyLock<SharedStack> = LazyLock::new(|| {
            let backend = Backend::current();
            let (url, file) = (env::var("SHOP_URL").ok(), env::var("SHOP_STACK").ok());
            let mut description = file.map_or_else(
                || json!({}),
                |file| {
                    let text = std::fs::read(&file);
                    let text = text.unwrap_or_else(|error| panic!("SHOP_STACK={file}: {error}"));
                    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("SHOP_STACK={file}: {error}"))
                },
            );
            if let Some(url) = url {
                description["http"] = url.into();
            }
            assert!(description["http"].is_string(), "set SHOP_URL, or SHOP_STACK with http, for {backend}");
            let may_empty_tables =
                backend != Backend::Url || env::var("SHOP_EMPTY_TABLES").is_ok_and(|yes| yes == "yes");
            SharedStack { description, may_empty_tables, turn: Arc::default(), dead_letters: OnceCell::new() }
        });
        &CURRENT
    }

    /// Why a need cannot be met, if so.
    pub(crate) fn lacks(&self, need: Need) -> Option<&'static str> {
        let has = |name: &str| !self.description[name].is_null();
        match need {
            Need::Tables if !has("tables") => Some("SHOP_STACK names no tables"),
            Need::Tables if !self.may_empty_tables => {
                Some("SHOP_EMPTY_TABLES=yes does not say that the tests may empty its tables")
            }
            Need::Queues if !has("queues") => Some("SHOP_STACK names no queues"),
            Need::Invoke if !has("lambda") && !has("invoke") => Some("SHOP_STACK names no Invoke API"),
            _ => None,
        }
    }

    pub(crate) async fn take_turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    pub(crate) fn client(&self) -> Client {
        let text = |name: &str| self.description[name].as_str();
        Client::new(text("http").unwrap_or_default()).asking_for(text("host_header"))
    }

    pub(crate) fn aws(&self) -> Aws {
        let text = |name: &str| self.description[name].as_str();
        if self.description["tables"].is_null() || text("dynamodb").is_some() {
            let endpoint = |name: &str| text(name).unwrap_or(NOWHERE);
            return Aws::local(text("region").unwrap_or("us-east-1"), endpoint("dynamodb"), endpoint("sqs"));
        }
        Aws::from_env().unwrap_or_else(|error| panic!("{error}, and SHOP_STACK names no dynamodb"))
    }

    /// Makes the tables as they were when the stack was new and seeded.
    pub(crate) async fn reset(&self) {
        let (client, table) = (self.aws().dynamodb(), |id: &str| {
            self.description["tables"][id]
                .as_str()
                .unwrap_or_else(|| panic!("SHOP_STACK has no {id}"))
                .to_owned()
        });
        eventually(QUIET_WITHIN, || async {
            let orders = snapshot::scan(&client, &table("OrdersTable")).await;
            let pending =
                orders.iter().filter(|order| order["status"] == AttributeValue::S("PENDING".to_owned()));
            match pending.count() {
                0 => Ok(()),
                count => Err(format!("{count} orders of the test before are PENDING")),
            }
        })
        .await;
        self.drained().await;
        for (id, keys) in [
            ("OrdersTable", &["order_id"][..]),
            ("PaymentsTable", &["order_id"]),
            ("ProviderLedgerTable", &["idempotency_key"]),
        ] {
            let items = snapshot::scan(&client, &table(id)).await;
            delete(&client, &table(id), keys, items).await;
        }
        self.restock(&client, &table("CatalogTable")).await;
    }

    /// Records that a test leaves a message in the dead-letter queue.
    pub(crate) async fn leaves_a_dead_letter(&self) {
        self.dead_letters_left().await.fetch_add(1, Ordering::SeqCst);
    }

    async fn dead_letters_left(&self) -> &AtomicU32 {
        let dead = self.description["queues"]["PaymentsDeadLetterQueue"].as_str().unwrap();
        let now = || async { AtomicU32::new(messages_in(&self.aws().sqs(), dead).await) };
        self.dead_letters.get_or_init(now).await
    }

    /// Waits until no message of the test before is left: it is deleted a moment after its order has ended.
    async fn drained(&self) {
        let queue = |id: &str| self.description["queues"][id].as_str();
        let (Some(payments), Some(dead)) = (queue("PaymentsQueue"), queue("PaymentsDeadLetterQueue")) else {
            return;
        };
        let left = self.dead_letters_left().await.load(Ordering::SeqCst);
        let sqs = self.aws().sqs();
        eventually(QUIET_WITHIN, || async {
            let counts = (messages_in(&sqs, payments).await, messages_in(&sqs, dead).await);
            if counts == (0, left) { Ok(()) } else { Err(format!("{counts:?} messages, not (0, {left})")) }
        })
        .await;
    }

    /// Seeds the products anew whose offers are not as they were seeded.
    async fn restock(&self, client: &aws_sdk_dynamodb::Client, catalog: &str) {
        let items = snapshot::scan(client, catalog).await;
        let as_seeded = |product: &Value| {
            items.iter().any(|item| {
                let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()).cloned();
                item["record"] == AttributeValue::S("offer".to_owned())
                    && item["product_id"].as_s().ok().map(String::as_str) == product["product_id"].as_str()
                    && number("available") == Some(product["available"].to_string())
                    && number("price") == Some(product["price"]["amount"].to_string())
            })
        };
        let changed: Vec<_> = stock::products().iter().filter(|product| !as_seeded(product)).collect();
        let of_changed = |item: &Item| {
            let id = item["product_id"].as_s().unwrap();
            changed.iter().any(|product| product["product_id"] == id.as_str())
        };
        let stale = items.into_iter().filter(of_changed).collect();
        delete(client, catalog, &["product_id", "record"], stale).await;
        local_dynamo::seed(client, catalog, &json!(changed).to_string()).await.unwrap();
    }
}

async fn delete(client: &aws_sdk_dynamodb::Client, table: &str, keys: &[&str], items: Vec<Item>) {
    let requests: Vec<_> = items
        .into_iter()
        .map(|item| {
            let key = item.into_iter().filter(|(name, _)| keys.contains(&name.as_str())).collect();
            let request = DeleteRequest::builder().set_key(Some(key)).build().unwrap();
            WriteRequest::builder().delete_request(request).build()
        })
        .collect();
    for requests in requests.chunks(WRITES_AT_ONCE) {
        let response =
            client.batch_write_item().request_items(table, requests.to_vec()).send().await.unwrap();
        assert!(
            response.unprocessed_items.is_none_or(|left| left.is_empty()),
            "{table} did not take all deletes"
        );
    }
}
