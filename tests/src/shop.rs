//! One running shop.

use std::{collections::BTreeMap, process::ExitStatus, time::Duration};

use lambda_kit::aws::Aws;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use crate::{
    Backend, Client, Options, Request, Response, SharedStack, eventually, function_ids, own_stack::OwnStack,
    stock, unique_key,
};

/// A sweep that finds no response fails after some seconds; the next one may find it.
const SWEPT_WITHIN: Duration = Duration::from_secs(60);

/// A shop as a test sees it: a stack of its own, or its turn at the stack that all tests share.
#[derive(Debug)]
pub struct Shop {
    /// The HTTP API.
    pub http: Client,
    /// Lambda's Invoke API; `needs!(Invoke)`.
    pub invoke: Client,
    /// The local stack's control port; `needs!(ControlPort)`.
    pub control: Client,
    /// The addresses and names of the stack, as the local stack writes them into its `--ready-file`.
    pub ready: Value,
    /// Clients for its DynamoDB and SQS; `needs!(Tables)`, `needs!(Queues)`.
    pub aws: Aws,
    /// Nobody else's: an idempotency key is one customer's, so tests that share tables share no keys.
    customer: String,
    stock: BTreeMap<String, i64>,
    running: Running,
}

#[derive(Debug)]
enum Running {
    Own(Box<OwnStack>),
    Shared(#[allow(dead_code, reason = "held, not read: other tests wait for it")] OwnedMutexGuard<()>),
}

impl Shop {
    /// A shop as `cargo run` starts it, on free ports, with fast payments; or the one that the tests share.
    pub async fn start() -> Self {
        if Backend::current().starts_stacks() {
            return Self::start_with(Options::default()).await;
        }
        let shared = SharedStack::current();
        let turn = shared.take_turn().await;
        let (ready, aws) = (shared.description.clone(), shared.aws());
        let http = shared.client();
        let stock = if Backend::current().lacks(crate::Need::Tables).is_none() {
            shared.reset().await;
            stock::seeded()
        } else {
            stock::available_over_http(&http).await
        };
        Self::over(http, ready, aws, stock, Running::Shared(turn))
    }

    /// A shop with other options; `needs!(OwnStack)`.
    ///
    /// # Panics
    /// When the stack does not get ready, and where all tests share one.
    pub async fn start_with(options: Options) -> Self {
        let backend = Backend::current();
        assert!(backend.starts_stacks(), "the test did not say needs!(OwnStack), which {backend} lacks");
        let (stack, ready) = OwnStack::start(options).await;
        let address = |name: &str| ready[name].as_str().unwrap().to_owned();
        let aws = Aws::local("us-east-1", &address("dynamodb"), &address("sqs"));
        let http = Client::new(&address("http"));
        Self::over(http, ready, aws, stock::seeded(), Running::Own(Box::new(stack)))
    }

    fn over(http: Client, ready: Value, aws: Aws, stock: BTreeMap<String, i64>, running: Running) -> Self {
        let client = |names: &[&str], need| {
            let base = names.iter().find_map(|name| ready[*name].as_str());
            base.map_or_else(|| Client::missing(need), Client::new)
        };
        let invoke = client(&["invoke", "lambda"], "Invoke");
        let control = client(&["control"], "ControlPort");
        let customer = stock::unique_email();
        Self { http, invoke, control, ready, aws, customer, stock, running }
    }

    fn own(&self) -> &OwnStack {
        match &self.running {
            Running::Own(stack) => stack,
            Running::Shared(_) => panic!("the test did not say needs!(OwnStack)"),
        }
    }

    /// The process id of the stack; `needs!(OwnStack)`.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.own().process_id()
    }

    /// What the stack has written so far; `needs!(OwnStack)`.
    #[must_use]
    pub fn log(&self) -> String {
        self.own().log()
    }

    /// The name of a table, by its logical id; `needs!(Tables)`.
    ///
    /// # Panics
    /// When the stack names none.
    #[must_use]
    pub fn table(&self, logical_id: &str) -> String {
        self.name_in("tables", logical_id)
    }

    /// The URL of a queue, by its logical id; `needs!(Queues)`.
    ///
    /// # Panics
    /// When the stack names none.
    #[must_use]
    pub fn queue(&self, logical_id: &str) -> String {
        self.name_in("queues", logical_id)
    }

    fn name_in(&self, kind: &str, logical_id: &str) -> String {
        let name = self.ready[kind][logical_id].as_str();
        name.unwrap_or_else(|| panic!("the stack names no {logical_id} among its {kind}")).to_owned()
    }

    /// An e-mail address that no other test uses.
    #[must_use]
    pub fn customer(&self) -> &str {
        &self.customer
    }

    /// What there was of a product when the test began.
    ///
    /// # Panics
    /// When there is no such product.
    #[must_use]
    pub fn stocked(&self, product_id: &str) -> i64 {
        self.stock[product_id]
    }

    pub(crate) fn stock(&self) -> &BTreeMap<String, i64> {
        &self.stock
    }

    /// An order of `lines`, not yet sent.
    #[must_use]
    pub fn order(&self, lines: &[(&str, i64)], token: &str) -> Request {
        self.order_as(&self.customer, lines, token)
    }

    /// The same under a key that no other order has: it can be sent again, and makes one order.
    #[must_use]
    pub fn keyed_order(&self, lines: &[(&str, i64)], token: &str) -> Request {
        self.order(lines, token).header("idempotency-key", unique_key())
    }

    /// An order of `lines` by another customer.
    #[must_use]
    pub fn order_as(&self, customer: &str, lines: &[(&str, i64)], token: &str) -> Request {
        let items: Vec<_> =
            lines.iter().map(|(id, quantity)| json!({"product_id": id, "quantity": quantity})).collect();
        let body = json!({"items": items, "payment_method": token, "customer": {"email": customer}});
        self.http.post("/orders", &body)
    }

    /// Makes an order and returns its id.
    ///
    /// # Panics
    /// When it is not made.
    pub async fn place(&self, lines: &[(&str, i64)], token: &str) -> String {
        let response = self.keyed_order(lines, token).response().await;
        assert!(response.made(), "{response:?}");
        response.json()["order_id"].as_str().unwrap().to_owned()
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
    pub async fn get_order(&self, order_id: &str) -> Value {
        let response = self.http.get(&format!("/orders/{order_id}")).response().await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json()
    }

    /// What can be ordered of a product.
    ///
    /// # Panics
    /// When there is no such product.
    pub async fn available(&self, product_id: &str) -> i64 {
        let response = self.http.get(&format!("/products/{product_id}")).response().await;
        response.json()["available"].as_i64().unwrap()
    }

    /// Invokes a function with an event, as `cargo lambda invoke` does; `needs!(Invoke)`.
    pub async fn invoke(&self, function: &str, event: &Value) -> Response {
        // A deployed stack gives its functions other names than the template.
        let names = function_ids();
        let deployed = names.get(function).and_then(|id| self.ready["functions"][id].as_str());
        let name = deployed.unwrap_or(function);
        self.invoke.post(&format!("/2015-03-31/functions/{name}/invocations"), event).response().await
    }

    /// Has sweep-orders run, again if it fails, as Lambda would; `needs!(Invoke)`.
    ///
    /// # Panics
    /// When it goes on failing.
    pub async fn sweep(&self) {
        eventually(SWEPT_WITHIN, || async {
            let response = self.invoke("sweep-orders", &json!({})).await;
            match (response.status, response.header("x-amz-function-error")) {
                (200, "") => Ok(()),
                _ => Err(response),
            }
        })
        .await;
    }

    /// Puts a plan of faults in place of the one before; `needs!(ControlPort)`.
    ///
    /// # Panics
    /// When the stack does not take it.
    pub async fn set_faults(&self, plan: &Value) {
        let response = self.control.request("PUT", "/_local/faults").body(plan.to_string()).response().await;
        assert_eq!(response.status, 200, "{plan}: {response:?}");
    }

    /// The rules in force, each with `met` and `struck`; `needs!(ControlPort)`.
    pub async fn faults(&self) -> Vec<Value> {
        let plan = self.control.get("/_local/faults").response().await.json();
        plan["rules"].as_array().cloned().unwrap_or_default()
    }

    /// Lets no fault strike any more; `needs!(ControlPort)`.
    ///
    /// # Panics
    /// When the stack does not do so.
    pub async fn clear_faults(&self) {
        let response = self.control.request("DELETE", "/_local/faults").response().await;
        assert!(response.status < 300, "{response:?}");
    }

    /// Records that this test leaves a dead letter, so that others do not wait for it to be deleted; `needs!(Queues)`.
    pub async fn leaves_a_dead_letter(&self) {
        if let Running::Shared(_) = self.running {
            SharedStack::current().leaves_a_dead_letter().await;
        }
    }

    /// Ends the stack with a signal, waits, and returns its exit status and the processes that it had; `needs!(OwnStack)`.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn stop(self, signal: Signal) -> (ExitStatus, Vec<u32>) {
        match self.running {
            Running::Own(stack) => stack.stop(signal).await,
            Running::Shared(_) => panic!("the test did not say needs!(OwnStack)"),
        }
    }
}
