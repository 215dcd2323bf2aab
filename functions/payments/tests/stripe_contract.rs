//! The shop's requests to Stripe, and how it reads the responses: each file in `fixtures/stripe` is a conversation,
//! replayed by a server that accepts only the requests in the file.
//!
//! The responses are shortened from the examples of Stripe's API reference (version 2024-06-20). They were not recorded
//! from a Stripe account.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

use std::{fs, path::Path};

use domain_primitives::Money;
use lambda_kit::{Error, RotatedSecret, Secret};
use payments::{Charge, Charged, Created, PaymentProvider, Refunded, Stripe, Voided};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ORDER: &str = "0197a000-0000-7000-8000-000000000000";
const INTENT: &str = "pi_3MtwBwLkdIwHu7ix28a3tqPa";
const KEY: &str = "sk_test_contract";

/// A server that expects the conversation's requests in their order.
async fn replay(exchanges: Vec<Value>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        for exchange in exchanges {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_eq!(read(&mut stream).await, exchange["request"]);
            let body = exchange["answer"]["body"].to_string();
            let mut head = format!("HTTP/1.1 {} x\r\nconnection: close", exchange["answer"]["status"]);
            for (name, value) in exchange["answer"]["headers"].as_object().into_iter().flatten() {
                head.push_str(&format!("\r\n{name}: {}", value.as_str().unwrap()));
            }
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, served)
}

/// A request in the format of the fixtures. What all requests have in common is checked here.
async fn read(stream: &mut TcpStream) -> Value {
    let mut text = String::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        text.push_str(std::str::from_utf8(&part[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let first = lines.next().unwrap();
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
        if body.len() < length {
            continue;
        }
        assert_eq!(header("authorization").unwrap(), format!("Bearer {KEY}"));
        assert_eq!(header("content-type").unwrap(), "application/x-www-form-urlencoded");
        assert_eq!(header("stripe-version").unwrap(), "2024-06-20");
        let form: serde_json::Map<String, Value> = body
            .split('&')
            .filter_map(|field| field.split_once('='))
            .map(|(name, value)| (decode(name), decode(value).into()))
            .collect();
        let request = first.strip_suffix(" HTTP/1.1").unwrap();
        return json!({"request": request, "idempotency_key": header("idempotency-key"), "form": form});
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// The result of a call in the format of the fixtures.
fn outcome(result: Result<Value, Error>) -> Value {
    result.unwrap_or_else(|error| match (&error, error.retry_after()) {
        (Error::Unavailable { .. }, None) => json!("unavailable"),
        (Error::Unavailable { .. }, Some(after)) => json!({"unavailable": after.as_secs()}),
        (Error::Internal(_), _) => json!("internal"),
    })
}

async fn call(stripe: &Stripe, fixture: &Value) -> Result<Value, Error> {
    let amount: Money = serde_json::from_str(r#"{"amount":1299,"currency":"USD"}"#).unwrap();
    let token = fixture["token"].as_str().unwrap_or("tok_visa");
    let charge = Charge { order_id: ORDER.parse().unwrap(), amount, token };
    let refused = |reason| json!({"refused": reason});
    Ok(match fixture["call"].as_str().unwrap() {
        "create" => match stripe.create(&charge).await? {
            Created::Intent(id) => json!({"intent": id}),
            Created::Refused { reason } => refused(reason),
        },
        "confirm" => match stripe.confirm(charge.order_id, INTENT).await? {
            Charged::Captured => json!("captured"),
            Charged::Declined { reason } => json!({"declined": reason}),
        },
        "void" => match stripe.void(INTENT).await? {
            Voided::NotCharged => json!("not charged"),
            Voided::Captured => json!("captured"),
            Voided::Refused { reason } => refused(reason),
        },
        "refund" => match stripe.refund(charge.order_id, INTENT).await? {
            Refunded::GivenBack { reference } => json!({"given_back": reference}),
            Refunded::Refused { reason } => refused(reason),
        },
        other => panic!("what is {other}?"),
    })
}

#[tokio::test]
async fn every_conversation_comes_to_its_outcome() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stripe");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let fixture: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let (url, served) = replay(fixture["exchanges"].as_array().unwrap().clone()).await;
        let stripe = Stripe::new(&url, RotatedSecret::fixed(Secret::new(KEY.to_owned())));
        let result = call(&stripe, &fixture).await;
        if let Err(error) = &result {
            assert!(!format!("{error} {error:?}").contains(KEY), "{name}: {error}");
        }
        assert_eq!(outcome(result), fixture["outcome"], "{name}");
        served.await.unwrap_or_else(|error| panic!("{name}: {error}"));
        count += 1;
    }
    assert_eq!(count, 29, "conversations");
}
