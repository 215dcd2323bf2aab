//! Calls of functions to a web service: logged by who makes them, and struck by faults.

use std::time::Duration;

use payment_simulator::{Behaviour, Simulator};
use payments::Latency;
use serde_json::{Value, json};

use crate::harness::{Answer, Running, puppet};

const VARIABLES: &str = "      Environment: {Variables: {RECORD: $RECORD, SERVICE_URL: http://SERVICE}}";
const INTENT: &str =
    "amount=100&currency=usd&payment_method_data[type]=card&payment_method_data[card][token]=tok_visa";

/// A stack, a web service, and where the puppet finds it.
struct Called {
    stack: Running,
    simulator: Simulator,
    url: String,
}

impl Called {
    async fn start() -> Self {
        let behaviour = Behaviour { latency: Latency::default(), failure_rate: 0.0 };
        let simulator = Simulator::start(0, behaviour, None).await.unwrap();
        let template = puppet(VARIABLES, "").replace("http://SERVICE", &simulator.url);
        let stack = Running::start(&template, &["--web-service", &simulator.url]).await;
        stack.invoke(&json!({})).await;
        let url = stack.recorded()[0]["environment"]["SERVICE_URL"].as_str().unwrap().to_owned();
        Self { stack, simulator, url }
    }

    /// Asks for a payment as the puppet would; none if the connection breaks.
    async fn pay(&self, key: &str) -> Option<Answer> {
        let request = http::Request::post(format!("{}/v1/payment_intents", self.url))
            .header("authorization", "Bearer sk_test_simulated")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("idempotency-key", key);
        self.stack.try_send(request, INTENT).await.ok()
    }

    async fn rule(&self, rule: Value) {
        let answer = self.stack.set_faults(&json!({"rules": [rule]})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn calls(&self) -> Vec<Value> {
        self.stack.control("/_local/calls").await.json()["calls"].as_array().unwrap().clone()
    }

    /// How many intents the service has made.
    async fn intents(&self) -> usize {
        let ledger = http::Request::get(format!("{}/_simulator/ledger", self.simulator.url));
        let ledger = self.stack.try_send(ledger, "").await.unwrap().json();
        ledger["payment_intents"].as_array().unwrap_or_else(|| panic!("{ledger}")).len()
    }
}

#[tokio::test]
async fn a_call_to_a_web_service_is_logged_with_its_caller_and_its_status() {
    let called = Called::start().await;
    assert_eq!(called.pay("first-key").await.unwrap().status, 200);
    let call =
        called.stack.eventually_async("a call", async || called.calls().await.into_iter().next()).await;
    let told = (&call["function"], &call["service"], &call["operation"], &call["status"]);
    assert_eq!(json!(told), json!(["puppet", "web", "POST /v1/payment_intents", 200]));
    assert_eq!(called.intents().await, 1);
    called.stack.stop().await;
}

#[tokio::test]
async fn each_fault_strikes_a_call_to_a_web_service() {
    let called = Called::start().await;
    let only = |fault: Value| json!({"fault": fault, "service": "web", "caller": "puppet", "times": 1});
    for (name, status) in
        [("InternalServerError", 500), ("ThrottlingException", 429), ("ServiceUnavailable", 503)]
    {
        called.rule(only(json!({"error": {"name": name}}))).await;
        assert_eq!(called.pay("refused").await.unwrap().status, status, "{name}");
    }
    called.rule(only(json!("cut-before"))).await;
    assert!(called.pay("cut-before").await.is_none());
    assert_eq!(called.intents().await, 0, "nothing has come through so far");
    called.rule(only(json!("cut-after"))).await;
    assert!(called.pay("cut-after").await.is_none());
    assert_eq!(called.intents().await, 1, "it was carried out");
    called.rule(only(json!("duplicate"))).await;
    assert_eq!(called.pay("twice").await.unwrap().status, 200);
    assert_eq!(called.intents().await, 2, "the same key is one intent");
    called.rule(only(json!({"delay": {"ms": 300}}))).await;
    let late = tokio::time::timeout(Duration::from_millis(50), called.pay("late")).await;
    assert!(late.is_err(), "it came too early");
    called
        .stack
        .eventually_async("the call is carried out although its caller has gone", async || {
            (called.intents().await == 3).then_some(())
        })
        .await;
    called.stack.stop().await;
}

#[tokio::test]
async fn a_kill_ends_the_environment_whose_call_it_strikes() {
    let called = Called::start().await;
    let process = |called: &Called| called.stack.recorded().last().unwrap()["process_id"].clone();
    let first = process(&called);
    called.rule(json!({"fault": "kill-after", "service": "web", "times": 1})).await;
    assert!(called.pay("killed").await.is_none());
    assert_eq!(called.intents().await, 1);
    called.stack.invoke(&json!({})).await;
    assert_ne!(process(&called), first);
    called.stack.stop().await;
}
