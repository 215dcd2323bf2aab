//! The contract between the shop and its provider: the shop's client against the simulator, and the simulator's own
//! rules of idempotency, as Stripe documents them.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

use std::time::{Duration, Instant};

use domain_primitives::Money;
use lambda_kit::{
    Error, Secret,
    http_client::{HttpClient, HttpResponse},
};
use orders::OrderId;
use payment_simulator::{API_KEY, Behaviour, PaymentIntent, PaymentIntentStatus, Simulator};
use payments::{Charge, Charged, Created, Latency, PaymentProvider, Refunded, Stripe, Voided};

fn behaviour(latency: &str, failure_rate: f64) -> Behaviour {
    Behaviour { latency: latency.parse::<Latency>().unwrap(), failure_rate }
}

async fn simulator() -> (Simulator, Stripe) {
    let simulator = Simulator::start(0, behaviour("0", 0.0), None).await.unwrap();
    let stripe = Stripe::new(&simulator.url, Secret::new(API_KEY.to_owned()));
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

/// The ledger by GET, which the shop's HTTP client does not support.
async fn ledger(simulator: &Simulator) -> Vec<PaymentIntent> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = simulator.url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /_simulator/ledger HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let body: serde_json::Value = serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap();
    serde_json::from_value(body["payment_intents"].clone()).unwrap()
}

#[tokio::test]
async fn repeated_charges_of_an_order_charge_it_once() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("tok_visa");
    let intent = create_intent(&stripe, &charge).await.unwrap();
    assert!(intent.starts_with("pi_"), "{intent}");
    for _ in 0..2 {
        assert_eq!(create_intent(&stripe, &charge).await.unwrap(), intent);
        assert_eq!(stripe.confirm(charge.order_id, &intent).await.unwrap(), Charged::Captured);
    }
    let ledger = ledger(&simulator).await;
    assert_eq!((ledger.len(), ledger[0].status, ledger[0].amount), (1, PaymentIntentStatus::Succeeded, 1299));
    assert_eq!((ledger[0].confirmations, ledger[0].currency.as_str()), (1, "usd"));
    assert_eq!(ledger[0].metadata["order_id"], charge.order_id.to_string());
}

#[tokio::test]
async fn a_declined_charge_has_the_reason() {
    let (_simulator, stripe) = simulator().await;
    for (token, why) in [("tok_declined", "card_declined"), ("tok_insufficient_funds", "insufficient_funds")]
    {
        let charge = charge(token);
        for _ in 0..2 {
            let declined = Charged::Declined { reason: why.to_owned() };
            assert_eq!(pay(&stripe, &charge).await.unwrap(), declined, "{token}");
        }
        assert_eq!(void(&stripe, &charge).await, Voided::NotCharged);
    }
}

#[tokio::test]
async fn no_intent_is_created_for_a_token_that_does_not_exist() {
    let (simulator, stripe) = simulator().await;
    for token in ["tok_made_up", "tok_Visa", "pm_1MtwBvLkdIwHu7ixZtVRxTzf"] {
        let charge = charge(token);
        for _ in 0..2 {
            let refused = Created::Refused { reason: "resource_missing".to_owned() };
            assert_eq!(stripe.create(&charge).await.unwrap(), refused, "{token}");
        }
    }
    assert!(ledger(&simulator).await.is_empty());
}

#[tokio::test]
async fn a_charge_is_refunded_once_by_its_intent() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("tok_visa");
    pay(&stripe, &charge).await.unwrap();
    assert_eq!(void(&stripe, &charge).await, Voided::Captured);
    let intent = create_intent(&stripe, &charge).await.unwrap();
    let first = stripe.refund(charge.order_id, &intent).await.unwrap();
    assert!(matches!(&first, Refunded::GivenBack { reference } if reference.starts_with("re_")), "{first:?}");
    assert_eq!(stripe.refund(charge.order_id, &intent).await.unwrap(), first);
    assert!(ledger(&simulator).await[0].refund.is_some());
}

#[tokio::test]
async fn a_voided_intent_is_never_charged() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("tok_visa");
    for _ in 0..2 {
        assert_eq!(void(&stripe, &charge).await, Voided::NotCharged);
    }
    let late = pay(&stripe, &charge).await.unwrap();
    assert_eq!(late, Charged::Declined { reason: payments::VOIDED.to_owned() });
    let ledger = ledger(&simulator).await;
    assert_eq!(
        (ledger.len(), ledger[0].status, ledger[0].charge.as_ref()),
        (1, PaymentIntentStatus::Canceled, None)
    );
}

#[tokio::test]
async fn a_charge_in_flight_fails_once_its_intent_is_voided() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("tok_late");
    let given_up = tokio::time::timeout(Duration::from_millis(300), pay(&stripe, &charge)).await;
    assert!(given_up.is_err(), "the client has timed out");
    assert_eq!(void(&stripe, &charge).await, Voided::NotCharged);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let ledger = ledger(&simulator).await;
        assert_eq!((ledger.len(), ledger[0].status), (1, PaymentIntentStatus::Canceled), "{ledger:?}");
        if ledger[0].refused == 1 {
            break;
        }
        assert!(Instant::now() < deadline, "the charge never arrived: {ledger:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn voiding_finds_a_charge_that_succeeded_late() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("tok_late");
    let given_up = tokio::time::timeout(Duration::from_millis(300), pay(&stripe, &charge)).await;
    assert!(given_up.is_err());
    let in_use = pay(&stripe, &charge).await.unwrap_err();
    assert!(
        matches!(in_use, Error::Unavailable { .. }),
        "the first request is still in progress: {in_use:?}"
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    while ledger(&simulator).await[0].status != PaymentIntentStatus::Succeeded {
        assert!(Instant::now() < deadline, "the charge never succeeded");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(void(&stripe, &charge).await, Voided::Captured);
}

#[tokio::test]
async fn a_flaky_provider_is_unavailable_twice() {
    let (_simulator, stripe) = simulator().await;
    let charge = charge("tok_flaky");
    for _ in 0..2 {
        assert!(matches!(pay(&stripe, &charge).await, Err(Error::Unavailable { .. })));
    }
    assert!(matches!(pay(&stripe, &charge).await, Ok(Charged::Captured)));
}

#[tokio::test]
async fn failures_are_unavailable_and_change_nothing() {
    let simulator = Simulator::start(0, behaviour("0", 1.0), None).await.unwrap();
    let stripe = Stripe::new(&simulator.url, Secret::new(API_KEY.to_owned()));
    for _ in 0..3 {
        assert!(matches!(pay(&stripe, &charge("tok_visa")).await, Err(Error::Unavailable { .. })));
    }
    assert!(ledger(&simulator).await.is_empty());
}

#[tokio::test]
async fn failures_come_at_the_stated_rate() {
    let simulator = Simulator::start(0, behaviour("0", 0.3), None).await.unwrap();
    let mut failures = 0;
    for number in 0..1000 {
        failures += u32::from(create(&simulator, &format!("key-{number}"), "1299").await.status == 500);
    }
    // Five standard deviations of a binomial of 1,000 and 0.3.
    assert!((228..=372).contains(&failures), "{failures} of 1,000");
}

#[tokio::test]
async fn a_wrong_api_key_is_an_internal_error_and_is_not_disclosed() {
    let (simulator, _) = simulator().await;
    let stripe = Stripe::new(&simulator.url, Secret::new("sk_live_wrong".to_owned()));
    let error = stripe.create(&charge("tok_visa")).await.unwrap_err();
    assert!(matches!(error, Error::Internal(_)), "{error:?}");
    assert!(!format!("{error:?} {error} {stripe:?}").contains("sk_live_wrong"), "{error:?} {stripe:?}");
}

#[tokio::test]
async fn another_amount_for_the_same_order_is_rejected() {
    let (simulator, stripe) = simulator().await;
    let mut charge = charge("tok_visa");
    stripe.create(&charge).await.unwrap();
    charge.amount = serde_json::from_str(r#"{"amount":1,"currency":"USD"}"#).unwrap();
    assert!(matches!(stripe.create(&charge).await, Err(Error::Internal(_))));
    assert_eq!(ledger(&simulator).await.len(), 1);
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

#[tokio::test]
async fn a_key_replays_its_first_response_and_rejects_another_request() {
    let (simulator, _) = simulator().await;
    let first = create(&simulator, "k", "1299").await;
    let again = create(&simulator, "k", "1299").await;
    assert_eq!((first.status, again.status, &first.body), (200, 200, &again.body));
    let other = create(&simulator, "k", "1300").await;
    let error: serde_json::Value = serde_json::from_slice(&other.body).unwrap();
    assert_eq!((other.status, error["error"]["type"].as_str()), (400, Some("idempotency_error")));
    assert_eq!(ledger(&simulator).await.len(), 1);
}

#[tokio::test]
async fn a_key_whose_request_is_in_progress_is_a_conflict() {
    let simulator = Simulator::start(0, behaviour("400", 0.0), None).await.unwrap();
    let (first, second) = tokio::join!(create(&simulator, "k", "1299"), create(&simulator, "k", "1299"));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(ledger(&simulator).await.len(), 1);
}

#[tokio::test]
async fn a_restarted_simulator_continues_from_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.jsonl");
    let charge = charge("tok_visa");
    let start = || Simulator::start(0, behaviour("0", 0.0), Some(&journal));
    let simulator = start().await.unwrap();
    let stripe = |simulator: &Simulator| Stripe::new(&simulator.url, Secret::new(API_KEY.to_owned()));
    let first = create_intent(&stripe(&simulator), &charge).await.unwrap();
    assert_eq!(pay(&stripe(&simulator), &charge).await.unwrap(), Charged::Captured);
    let before = ledger(&simulator).await;
    drop(simulator);
    // A line that a crash has cut off.
    std::fs::write(&journal, [std::fs::read(&journal).unwrap(), b"{\"intent\":{\"id".to_vec()].concat())
        .unwrap();
    let simulator = start().await.unwrap();
    assert_eq!(ledger(&simulator).await, before);
    assert_eq!(create_intent(&stripe(&simulator), &charge).await.unwrap(), first, "the key replays");
    let refund = stripe(&simulator).refund(charge.order_id, &first).await;
    assert!(matches!(refund, Ok(Refunded::GivenBack { .. })));
    drop(simulator);
    let simulator = start().await.unwrap();
    assert!(ledger(&simulator).await[0].refund.is_some(), "the entries after the cut-off line are read");
}
