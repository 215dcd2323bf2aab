//! The contract between the shop and its provider: the shop's client against the simulator, and the simulator's own
//! rules of idempotency, as Stripe documents them.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

use std::time::{Duration, Instant};

use domain_primitives::Money;
use lambda_kit::{
    Error, RotatedSecret, Secret,
    http_client::{HttpClient, HttpResponse},
};
use orders::OrderId;
use payment_simulator::{API_KEY, Behaviour, PaymentIntent, PaymentIntentStatus, Simulator};
use payments::{Charge, Charged, Created, Latency, PaymentProvider, Refunded, Stripe, Voided};
use serde_json::{Value, json};

mod charges;
mod keys;
mod strict;

fn behaviour(latency: &str, failure_rate: f64) -> Behaviour {
    Behaviour { latency: latency.parse::<Latency>().unwrap(), failure_rate, ..Behaviour::default() }
}

async fn simulator() -> (Simulator, Stripe) {
    let simulator = Simulator::start(0, behaviour("0", 0.0), None).await.unwrap();
    let stripe = Stripe::new(&simulator.url, RotatedSecret::fixed(Secret::new(API_KEY.to_owned())));
    (simulator, stripe)
}

fn charge(token: &str) -> Charge<'_> {
    let amount: Money = serde_json::from_str(r#"{"amount":1299,"currency":"USD"}"#).unwrap();
    Charge { order_id: OrderId::new(), amount, token }
}

/// Creates the order's intent.
async fn create_intent(stripe: &Stripe, charge: &Charge<'_>) -> Result<String, Error> {
    match stripe.create(charge).await? {
        Created::Intent(id) => Ok(id),
        Created::Refused { reason } => panic!("refused: {reason}"),
    }
}

/// Charges an order: creates its intent, and confirms it.
async fn pay(stripe: &Stripe, charge: &Charge<'_>) -> Result<Charged, Error> {
    let intent = create_intent(stripe, charge).await?;
    stripe.confirm(charge.order_id, &intent).await
}

/// Voids the intent of an order.
async fn void(stripe: &Stripe, charge: &Charge<'_>) -> Voided {
    let intent = create_intent(stripe, charge).await.unwrap();
    stripe.void(&intent).await.unwrap()
}

/// A request that the shop's HTTP client does not support.
async fn raw(simulator: &Simulator, method: &str, path: &str, body: &str) -> Value {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = simulator.url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap()
}

async fn behave(simulator: &Simulator, behaviour: Value) {
    assert_eq!(raw(simulator, "PUT", "/_simulator/behaviour", &behaviour.to_string()).await, json!({}));
}

async fn ledger(simulator: &Simulator) -> Vec<PaymentIntent> {
    let ledger = raw(simulator, "GET", "/_simulator/ledger", "").await;
    serde_json::from_value(ledger["payment_intents"].clone()).unwrap()
}

/// Creates a payment intent.
async fn create(simulator: &Simulator, key: &str, amount: &str) -> HttpResponse {
    let authorization = format!("Bearer {API_KEY}");
    let headers = [("authorization", authorization.as_str()), ("idempotency-key", key)];
    let body = format!("amount={amount}&currency=usd&payment_method_data[card][token]=tok_visa");
    HttpClient::new("the simulator", &simulator.url)
        .post("/v1/payment_intents", &headers, body)
        .await
        .unwrap()
}
