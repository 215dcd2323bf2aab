//! Calls of functions to a web service: recorded with their callers, and with injected faults.

use std::time::Duration;

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Response, Running, puppet};

const VARIABLES: &str = "      Environment: {Variables: {RECORD: $RECORD, SERVICE_URL: http://SERVICE}}";

/// A web service that remembers the idempotency keys of the requests that have reached it.
struct WebService {
    url: String,
    keys: Arc<Mutex<BTreeSet<String>>>,
}

impl WebService {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let keys = Arc::<Mutex<BTreeSet<String>>>::default();
        let seen = Arc::clone(&keys);
        let answer = move |request: Request<Incoming>| {
            let key = request.headers()["idempotency-key"].to_str().unwrap().to_owned();
            seen.lock().unwrap().insert(key);
            async { Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"{}")))) }
        };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service_fn(answer.clone());
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, keys }
    }
}

/// A stack, a web service, and its URL in the puppet's environment.
struct Called {
    stack: Running,
    service: WebService,
    url: String,
}

impl Called {
    async fn start() -> Self {
        let service = WebService::start().await;
        let template = puppet(VARIABLES, "").replace("http://SERVICE", &service.url);
        let stack = Running::start(&template, &["--web-service", &service.url]).await;
        stack.invoke(&json!({})).await;
        let url = stack.recorded()[0]["environment"]["SERVICE_URL"].as_str().unwrap().to_owned();
        Self { stack, service, url }
    }

    /// Requests a payment as the puppet would; none if the connection breaks.
    async fn pay(&self, key: &str) -> Option<Response> {
        let request =
            http::Request::post(format!("{}/v1/payment_intents", self.url)).header("idempotency-key", key);
        self.stack.try_send(request, "").await.ok()
    }

    async fn rule(&self, rule: Value) {
        let answer = self.stack.set_faults(&json!({"rules": [rule]})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn calls(&self) -> Vec<Value> {
        self.stack.control("/_local/calls").await.json()["calls"].as_array().unwrap().clone()
    }

    /// How many different requests have reached the service.
    fn carried_out(&self) -> usize {
        self.service.keys.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_call_to_a_web_service_is_recorded_with_its_caller_and_its_status() {
    let called = Called::start().await;
    assert_eq!(called.pay("first-key").await.unwrap().status, 200);
    let call =
        called.stack.eventually_async("a call", async || called.calls().await.into_iter().next()).await;
    let actual = (&call["function"], &call["service"], &call["operation"], &call["status"]);
    assert_eq!(json!(actual), json!(["puppet", "web", "POST /v1/payment_intents", 200]));
    assert_eq!(called.carried_out(), 1);
    called.stack.stop().await;
}

#[tokio::test]
async fn each_fault_applies_to_calls_to_a_web_service() {
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
    assert_eq!(called.carried_out(), 0, "nothing has come through so far");
    called.rule(only(json!("cut-after"))).await;
    assert!(called.pay("cut-after").await.is_none());
    assert_eq!(called.carried_out(), 1, "it was carried out");
    called.rule(only(json!("duplicate"))).await;
    assert_eq!(called.pay("twice").await.unwrap().status, 200);
    assert_eq!(called.carried_out(), 2, "it is the same request");
    called.rule(only(json!({"delay": {"ms": 300}}))).await;
    let late = tokio::time::timeout(Duration::from_millis(50), called.pay("late")).await;
    assert!(late.is_err(), "it came too early");
    called
        .stack
        .eventually_async("the call is carried out although its caller has gone", async || {
            (called.carried_out() == 3).then_some(())
        })
        .await;
    called.stack.stop().await;
}

#[tokio::test]
async fn a_kill_ends_the_environment_that_makes_the_call() {
    let called = Called::start().await;
    let process = |called: &Called| called.stack.recorded().last().unwrap()["process_id"].clone();
    let first = process(&called);
    called.rule(json!({"fault": "kill-after", "service": "web", "times": 1})).await;
    assert!(called.pay("killed").await.is_none());
    assert_eq!(called.carried_out(), 1);
    called.stack.invoke(&json!({})).await;
    assert_ne!(process(&called), first);
    called.stack.stop().await;
}
