//! What Stripe refuses, and what the simulator counts.

use super::*;

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
async fn what_is_refused_for_good_is_refused_when_the_intent_is_created() {
    let (simulator, stripe) = simulator().await;
    let refused = |reason: &str| Created::Refused { reason: reason.to_owned() };
    assert_eq!(stripe.create(&charge("tok_used")).await.unwrap(), refused("token_already_used"));
    for (amount, reason) in [(49, "amount_too_small"), (100_000_000, "amount_too_large")] {
        let amount = serde_json::from_value(json!({"amount": amount, "currency": "USD"})).unwrap();
        let created = stripe.create(&Charge { amount, ..charge("tok_visa") }).await.unwrap();
        assert_eq!(created, refused(reason));
    }
    assert!(ledger(&simulator).await.is_empty());
}

#[tokio::test]
async fn stripes_test_cards_are_charged_or_declined() {
    let (_simulator, stripe) = simulator().await;
    let declined = |reason: &str| Charged::Declined { reason: reason.to_owned() };
    for (payment_method, charged) in [
        ("pm_card_visa", Charged::Captured),
        ("tok_bypassPending", Charged::Captured),
        ("pm_card_chargeDeclined", declined("card_declined")),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", declined("insufficient_funds")),
        ("tok_chargeDeclinedStolenCard", declined("stolen_card")),
    ] {
        assert_eq!(pay(&stripe, &charge(payment_method)).await.unwrap(), charged, "{payment_method}");
    }
}

#[tokio::test]
async fn a_refund_of_a_disputed_charge_is_refused_each_time() {
    let (simulator, stripe) = simulator().await;
    let charge = charge("tok_refund_refused");
    assert_eq!(pay(&stripe, &charge).await.unwrap(), Charged::Captured);
    let intent = create_intent(&stripe, &charge).await.unwrap();
    for _ in 0..2 {
        let refused = Refunded::Refused { reason: "charge_disputed".to_owned() };
        assert_eq!(stripe.refund(charge.order_id, &intent).await.unwrap(), refused);
        behave(&simulator, json!({"latency_ms": "0", "forget_keys": true})).await;
    }
    assert!(ledger(&simulator).await[0].refund.is_none());
}

#[tokio::test]
async fn requests_beyond_the_rate_limit_are_told_when_to_come_again() {
    let (simulator, stripe) = simulator().await;
    behave(&simulator, json!({"latency_ms": "0", "rate_limit": 3})).await;
    let charges: Vec<_> = (0..5).map(|_| charge("tok_visa")).collect();
    let mut limited = 0;
    for charge in &charges {
        match stripe.create(charge).await {
            Ok(created) => assert!(matches!(created, Created::Intent(_)), "{created:?}"),
            Err(error) => {
                assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
                assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
                limited += 1;
            }
        }
    }
    let requests = raw(&simulator, "GET", "/_simulator/ledger", "").await["requests"].clone();
    assert_eq!(requests, json!({"total": 5, "rate_limited": limited, "unauthorized": 0, "failed": 0}));
    assert!(limited > 0, "five requests took longer than a second");
}

#[tokio::test]
async fn a_revoked_key_is_not_accepted() {
    let (simulator, stripe) = simulator().await;
    behave(&simulator, json!({"latency_ms": "0", "api_keys": ["sk_test_next"]})).await;
    assert!(matches!(stripe.create(&charge("tok_visa")).await, Err(Error::Internal(_))));
    let stripe = Stripe::new(&simulator.url, RotatedSecret::fixed(Secret::new("sk_test_next".to_owned())));
    assert!(matches!(stripe.create(&charge("tok_visa")).await, Ok(Created::Intent(_))));
}

#[tokio::test]
async fn a_wrong_api_key_is_an_internal_error_and_is_not_disclosed() {
    let (simulator, _) = simulator().await;
    let stripe = Stripe::new(&simulator.url, RotatedSecret::fixed(Secret::new("sk_live_wrong".to_owned())));
    let error = stripe.create(&charge("tok_visa")).await.unwrap_err();
    assert!(matches!(error, Error::Internal(_)), "{error:?}");
    assert!(!format!("{error:?} {error} {stripe:?}").contains("sk_live_wrong"), "{error:?} {stripe:?}");
}

#[tokio::test]
async fn the_ledger_counts_the_requests_about_each_intent() {
    let (simulator, stripe) = simulator().await;
    let (paid, other) = (charge("tok_visa"), charge("tok_visa"));
    let intent = create_intent(&stripe, &paid).await.unwrap();
    create_intent(&stripe, &other).await.unwrap();
    create_intent(&stripe, &paid).await.unwrap();
    stripe.confirm(paid.order_id, &intent).await.unwrap();
    stripe.void(&intent).await.unwrap();
    stripe.refund(paid.order_id, &intent).await.unwrap();
    let ledger = raw(&simulator, "GET", "/_simulator/ledger", "").await;
    let calls: Vec<_> = ledger["payment_intents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["id"] == intent.as_str(), entry["calls"].as_u64().unwrap()))
        .collect();
    assert!(calls.contains(&(true, 5)) && calls.contains(&(false, 1)), "{calls:?}");
    assert_eq!(ledger["requests"]["total"], 6);
}
