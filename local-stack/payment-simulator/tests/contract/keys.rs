//! Idempotency keys, by Stripe's rules.

use super::*;

#[tokio::test]
async fn another_amount_for_the_same_order_is_rejected() {
    let (simulator, stripe) = simulator().await;
    let mut charge = charge("tok_visa");
    stripe.create(&charge).await.unwrap();
    charge.amount = serde_json::from_str(r#"{"amount":1300,"currency":"USD"}"#).unwrap();
    assert!(matches!(stripe.create(&charge).await, Err(Error::Internal(_))));
    assert_eq!(ledger(&simulator).await.len(), 1);
}

#[tokio::test]
async fn a_key_replays_its_first_response_and_rejects_another_request() {
    let (simulator, _) = simulator().await;
    let first = create(&simulator, "k", "1299").await;
    let again = create(&simulator, "k", "1299").await;
    assert_eq!((first.status, again.status, &first.body), (200, 200, &again.body));
    let other = create(&simulator, "k", "1300").await;
    let error: Value = serde_json::from_slice(&other.body).unwrap();
    assert_eq!((other.status, error["error"]["type"].as_str()), (400, Some("idempotency_error")));
    assert_eq!(ledger(&simulator).await.len(), 1);
}

#[tokio::test]
async fn a_failure_that_its_key_brings_back_is_no_verdict() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("tok_visa");
    let fails = |rate: f64| behave(&simulator, json!({"latency_ms": "0", "failure_rate": rate}));
    fails(1.0).await;
    assert!(matches!(stripe.create(&charge).await, Err(Error::Unavailable { .. })));
    fails(0.0).await;
    let intent = create_intent(&stripe, &charge).await.unwrap();
    fails(1.0).await;
    assert!(matches!(stripe.confirm(charge.order_id, &intent).await, Err(Error::Unavailable { .. })));
    fails(0.0).await;
    assert_eq!(stripe.confirm(charge.order_id, &intent).await.unwrap(), Charged::Captured);
    fails(1.0).await;
    assert!(matches!(stripe.refund(charge.order_id, &intent).await, Err(Error::Unavailable { .. })));
    fails(0.0).await;
    let refund = stripe.refund(charge.order_id, &intent).await;
    assert!(matches!(refund, Ok(Refunded::GivenBack { .. })), "{refund:?}");
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
    let stripe = |simulator: &Simulator| {
        Stripe::new(&simulator.url, RotatedSecret::fixed(Secret::new(API_KEY.to_owned())))
    };
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

#[tokio::test]
async fn a_forgotten_key_creates_another_intent_and_what_names_the_first_still_finds_it() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("tok_visa");
    let first = create_intent(&stripe, &charge).await.unwrap();
    stripe.confirm(charge.order_id, &first).await.unwrap();
    behave(&simulator, json!({"latency_ms": "0", "forget_keys": true})).await;
    assert_ne!(create_intent(&stripe, &charge).await.unwrap(), first);
    assert_eq!(stripe.confirm(charge.order_id, &first).await.unwrap(), Charged::Captured);
    assert_eq!(stripe.void(&first).await.unwrap(), Voided::Captured);
    let ledger = ledger(&simulator).await;
    let captured = ledger.iter().filter(|intent| intent.charge.is_some()).count();
    assert_eq!((ledger.len(), captured), (2, 1));
}

#[tokio::test]
async fn a_declined_intent_keeps_its_reason_when_its_key_is_forgotten() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("pm_card_visa_chargeDeclinedStolenCard");
    let intent = create_intent(&stripe, &charge).await.unwrap();
    for _ in 0..2 {
        let declined = Charged::Declined { reason: "stolen_card".to_owned() };
        assert_eq!(stripe.confirm(charge.order_id, &intent).await.unwrap(), declined);
        behave(&simulator, json!({"latency_ms": "0", "forget_keys": true})).await;
    }
}
