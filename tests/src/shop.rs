//! One running shop.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::{Value, json};
use shared::aws::Aws;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    sync::OnceCell,
};

use crate::{Answer, Client, Request, books::Books, eventually, processes::kill_with};

/// How the stack of a test is started.
#[derive(Debug, Default)]
pub struct Options {
    /// Template parameters, beside those that make payments fast.
    pub parameters: Vec<(&'static str, String)>,
    /// More flags.
    pub flags: Vec<String>,
}

/// A shop of its own: every test that changes something has one. Dropping it ends the stack.
#[derive(Debug)]
pub struct Shop {
    /// The HTTP API.
    pub http: Client,
    /// Lambda's Invoke API.
    pub invoke: Client,
    /// What the stack tells about itself.
    pub control: Client,
    /// The addresses that the stack told.
    pub ready: Value,
    /// Clients for its DynamoDB and SQS.
    pub aws: Aws,
    stack: Child,
    folder: TempDir,
}

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// From the order to its end, where nothing goes wrong.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

/// The binary of the local stack, built once.
///
/// # Panics
/// When cargo cannot build it.
pub async fn farthing() -> &'static Path {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    BINARY
        .get_or_init(|| async {
            let built = local_lambda::build::build(&workspace(), &["farthing"], false).await;
            built.unwrap_or_else(|error| panic!("{error}")).remove("farthing").unwrap()
        })
        .await
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

impl Shop {
    /// A shop as `cargo run` starts it, on free ports, with fast payments.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// A shop with other options.
    ///
    /// # Panics
    /// When the stack does not get ready.
    pub async fn start_with(options: Options) -> Self {
        let folder = TempDir::new().unwrap();
        let ready_file = folder.path().join("ready.json");
        let mut command = Command::new(farthing().await);
        command.current_dir(workspace()).args([
            "--port",
            "0",
            "--invoke-port",
            "0",
            "--control-port",
            "0",
            "--dynamodb-port",
            "0",
            "--sqs-port",
            "0",
            "--payment-port",
            "0",
        ]);
        command.arg("--exit-with-stdin").arg("--ready-file").arg(&ready_file);
        let fast = [
            ("PaymentLatencyMs", "0..20".to_owned()),
            ("PaymentTimeoutMs", "1000".to_owned()),
            ("PaymentVisibilitySeconds", "2".to_owned()),
        ];
        for (name, value) in fast.into_iter().chain(options.parameters) {
            command.arg("--parameter").arg(format!("{name}={value}"));
        }
        command.args(&options.flags);
        let log = std::fs::File::create(folder.path().join("stack.log")).unwrap();
        // The stack stops when this process is gone, however it went: its standard input ends.
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut stack = command.kill_on_drop(true).spawn().unwrap();
        let ready = eventually(READY_WITHIN, || {
            let ended = stack.try_wait().unwrap();
            let read = std::fs::read(&ready_file).ok();
            let log = folder.path().join("stack.log");
            async move {
                let log = || std::fs::read_to_string(log).unwrap_or_default();
                assert!(ended.is_none(), "the stack ended:\n{}", log());
                read.ok_or_else(log)
            }
        })
        .await;
        let ready: Value = serde_json::from_slice(&ready).unwrap();
        let address = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            http: Client::new(&address("http")),
            invoke: Client::new(&address("invoke")),
            control: Client::new(&address("control")),
            aws: Aws::local("us-east-1", &address("dynamodb"), &address("sqs")),
            ready,
            stack,
            folder,
        }
    }

    /// The process id of the stack.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.stack.id().unwrap()
    }

    /// What the stack has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stack.log")).unwrap_or_default()
    }

    /// The name of a table, by its logical id.
    ///
    /// # Panics
    /// When the template has none.
    #[must_use]
    pub fn table(&self, logical_id: &str) -> String {
        self.ready["tables"][logical_id].as_str().unwrap().to_owned()
    }

    /// The URL of a queue, by its logical id.
    ///
    /// # Panics
    /// When the template has none.
    #[must_use]
    pub fn queue(&self, logical_id: &str) -> String {
        self.ready["queues"][logical_id].as_str().unwrap().to_owned()
    }

    /// An order of `lines`, not yet sent.
    #[must_use]
    pub fn order(&self, lines: &[(&str, i64)], token: &str) -> Request {
        let items: Vec<_> =
            lines.iter().map(|(id, quantity)| json!({"product_id": id, "quantity": quantity})).collect();
        let body =
            json!({"items": items, "payment_method": token, "customer": {"email": "buyer@example.com"}});
        self.http.post("/orders", &body)
    }

    /// Makes an order and tells its id.
    ///
    /// # Panics
    /// When it is not made.
    pub async fn place(&self, lines: &[(&str, i64)], token: &str) -> String {
        let answer = self.order(lines, token).answer().await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["order_id"].as_str().unwrap().to_owned()
    }

    /// Asks for an order to be cancelled.
    #[must_use]
    pub fn cancel(&self, order_id: &str) -> Request {
        self.http.request("POST", &format!("/orders/{order_id}/cancel"))
    }

    /// The order as it stands.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn look(&self, order_id: &str) -> Value {
        let answer = self.http.get(&format!("/orders/{order_id}")).answer().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Waits until the order has ended.
    pub async fn ended(&self, order_id: &str) -> Value {
        self.ended_within(order_id, SETTLED_WITHIN).await
    }

    /// Waits a given time until the order has ended.
    pub async fn ended_within(&self, order_id: &str, within: Duration) -> Value {
        eventually(within, || async {
            let order = self.look(order_id).await;
            if order["status"] == "PENDING" { Err(order) } else { Ok(order) }
        })
        .await
    }

    /// Waits until the order has ended, looking at the table through `dynamodb`: no function runs for
    /// it, and no proxy counts it.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn settle_quietly(&self, dynamodb: &str, order_id: &str) {
        let table = self.table("OrdersTable");
        let client = local_dynamo::client(dynamodb, "us-east-1");
        eventually(SETTLED_WITHIN, || async {
            let key = aws_sdk_dynamodb::types::AttributeValue::S(order_id.to_owned());
            let item =
                client.get_item().table_name(&table).key("order_id", key).send().await.unwrap().item.unwrap();
            let status = item["status"].as_s().unwrap().clone();
            if status == "PENDING" { Err(status) } else { Ok(()) }
        })
        .await;
    }

    /// What can be ordered of a product.
    ///
    /// # Panics
    /// When there is no such product.
    pub async fn available(&self, product_id: &str) -> i64 {
        let answer = self.http.get(&format!("/products/{product_id}")).answer().await;
        answer.json()["available"].as_i64().unwrap()
    }

    /// Invokes a function with an event, as `cargo lambda invoke` does.
    pub async fn invoke(&self, function: &str, event: &Value) -> Answer {
        self.invoke.post(&format!("/2015-03-31/functions/{function}/invocations"), event).answer().await
    }

    /// Everything in the tables.
    pub async fn books(&self) -> Books {
        Books::read(self).await
    }

    /// Waits until every order has ended, and holds the invariants.
    pub async fn settle(&self) -> Books {
        self.settle_within(SETTLED_WITHIN).await
    }

    /// Waits a given time until every order has ended, and holds the invariants.
    pub async fn settle_within(&self, within: Duration) -> Books {
        eventually(within, || async {
            let books = self.books().await;
            books.check(true).map(|()| books)
        })
        .await
    }

    /// Waits until every order has ended, and holds the invariants with so many pieces of a product that came after the
    /// seed.
    pub async fn ended_with_restock(&self, product_id: &str, pieces: i64) -> Books {
        eventually(SETTLED_WITHIN, || async {
            let mut books = self.books().await;
            books.restocked(product_id, pieces);
            books.check(true).map(|()| books)
        })
        .await
    }

    /// Ends the stack with a signal, waits, and tells how it ended and which processes it had.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn stop(mut self, signal: Signal) -> (std::process::ExitStatus, Vec<u32>) {
        let id = self.process_id();
        let functions = crate::children(id).into_iter().map(|(id, _)| id).collect();
        kill_with(id, signal);
        let status = tokio::time::timeout(STOPPED_WITHIN, self.stack.wait()).await;
        (status.unwrap_or_else(|_| panic!("the stack goes on:\n{}", self.log())).unwrap(), functions)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the stack's log\n{}", self.log());
        }
        // Ending its standard input stops the stack and its functions in order; dropping it would only kill the stack.
        drop(self.stack.stdin.take());
        let deadline = std::time::Instant::now() + STOPPED_WITHIN;
        while matches!(self.stack.try_wait(), Ok(None)) && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
