//! Charges, voids and refunds, also late and unreliable ones.

use super::*;

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
    let stripe = Stripe::new(&simulator.url, RotatedSecret::fixed(Secret::new(API_KEY.to_owned())));
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
