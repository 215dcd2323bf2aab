//! From PENDING to the end: the queue, the provider and the dead-letter queue.

use std::time::Duration;

use e2e::{Options, Shop, eventually, needs, payment_event};
use serde_json::{Value, json};

/// An attempt, and the longest pause before it.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(120);

fn reason(order: &Value) -> Option<&str> {
    order["history"].as_array().unwrap().last().unwrap()["reason"].as_str()
}

#[tokio::test]
async fn a_declined_payment_fails_the_order_and_gives_the_stock_back() {
    let shop = Shop::start().await;
    for (token, why) in [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_chargeDeclinedStolenCard", "card_declined"),
        ("tok_made_up", "card_declined"),
    ] {
        let id = shop.place(&[("stoneware-mug", 5), ("record-brush", 1)], token).await;
        let order = shop.ended(&id).await;
        assert_eq!(
            (order["status"].as_str(), reason(&order)),
            (Some("PAYMENT_FAILED"), Some(why)),
            "{token}"
        );
    }
    for product in ["stoneware-mug", "record-brush"] {
        assert_eq!(shop.available(product).await, shop.stocked(product), "{product}");
    }
    let snapshot = shop.settle().await;
    assert!(snapshot.payments.values().all(|outcome| outcome == "DECLINED"), "{snapshot:?}");
}

#[tokio::test]
async fn a_flaky_provider_is_asked_again_until_it_answers() {
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_flaky").await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    shop.settle().await;
}

#[tokio::test]
async fn an_order_that_gets_no_verdict_is_given_up_by_its_age() {
    needs!(Tables);
    let shop = Shop::start().await;
    let (silent, other) = tokio::join!(
        shop.place(&[("stoneware-mug", 7)], "tok_unavailable"),
        shop.place(&[("record-brush", 1)], "tok_visa")
    );
    assert_eq!(shop.ended(&other).await["status"], "CONFIRMED", "one silent payment does not hold up others");
    shop.make_old(&silent).await;
    let order = shop.ended_within(&silent, GIVEN_UP_WITHIN).await;
    assert_eq!(
        (order["status"].as_str(), reason(&order)),
        (Some("PAYMENT_FAILED"), Some("payment_unavailable"))
    );
    assert_eq!(shop.available("stoneware-mug").await, shop.stocked("stoneware-mug"));
    assert_eq!(shop.settle().await.payments[&silent], "FAILED");
}

#[tokio::test]
async fn a_malformed_message_fails_alone() {
    needs!(Invoke, Queues);
    let shop = Shop::start().await;
    let order_id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&order_id).await;
    let record = |id: &str, body: &str| json!({"messageId": id, "receiptHandle": id, "body": body, "attributes": {"ApproximateReceiveCount": "1"}});
    let good = json!({"order_id": order_id}).to_string();
    let bodies = [
        ("bad-1", "not json"),
        ("good", good.as_str()),
        ("bad-2", r#"{"order_id":"x"}"#),
        ("bad-3", r#"{"order_id":"0197a000-0000-7000-8000-000000000000"}"#),
    ];
    let event = json!({"Records": bodies.map(|(id, body)| record(id, body))});
    let failed = async |function| -> Vec<Value> {
        let response = shop.invoke(function, &event).await.json();
        let failures = response["batchItemFailures"].as_array().unwrap().iter();
        failures.map(|item| item["itemIdentifier"].clone()).collect()
    };
    assert_eq!(failed("fail-payment").await, ["bad-1", "bad-2", "bad-3"]);
    let before = shop.messages_in("PaymentsDeadLetterQueue").await;
    assert!(failed("process-payment").await.is_empty(), "what can never be processed is not tried again");
    assert_eq!(shop.messages_in("PaymentsDeadLetterQueue").await, before + 3, "people look at it");
    for _ in 0..3 {
        shop.leaves_a_dead_letter().await;
    }
    shop.settle().await;
}

#[tokio::test]
async fn malformed_messages_on_the_queue_go_to_the_dead_letter_queue_and_stay_there_for_people() {
    needs!(Queues);
    let shop = Shop::start().await;
    let before = shop.messages_in("PaymentsDeadLetterQueue").await;
    shop.send("PaymentsQueue", "nonsense").await;
    let order_id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    assert_eq!(shop.ended(&order_id).await["status"], "CONFIRMED");
    eventually(GIVEN_UP_WITHIN, || async {
        let count = shop.messages_in("PaymentsDeadLetterQueue").await;
        if count == before + 1 { Ok(()) } else { Err(format!("{count} dead letters, {before} before")) }
    })
    .await;
    shop.leaves_a_dead_letter().await;
    shop.settle().await;
}

#[tokio::test]
async fn a_message_that_comes_twice_charges_once() {
    needs!(Invoke, Tables);
    let shop = Shop::start().await;
    let order_id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&order_id).await;
    let before = shop.settle().await;
    let body = json!({"order_id": order_id}).to_string();
    let record = json!({"messageId": "again", "receiptHandle": "again", "body": body, "attributes": {"ApproximateReceiveCount": "1"}});
    for function in ["process-payment", "fail-payment", "process-payment"] {
        let response = shop.invoke(function, &json!({"Records": [record, record]})).await;
        assert_eq!(response.json(), json!({"batchItemFailures": []}), "{function}");
    }
    assert_eq!(shop.settle().await, before, "an order that has ended changed");
}

#[tokio::test]
async fn payment_and_giving_up_at_once_agree_on_one_end() {
    needs!(OwnStack);
    // Slow enough that the two overlap.
    let parameters = vec![("PaymentLatencyMs", "0..60".to_owned()), ("PaymentMaxAgeSeconds", "0".to_owned())];
    let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
    for round in 0..8 {
        let order_id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
        let event = payment_event(&order_id, 5);
        tokio::join!(shop.invoke("process-payment", &event), shop.invoke("fail-payment", &event));
        let order = shop.ended(&order_id).await;
        assert!(
            order["status"] == "CONFIRMED" || order["status"] == "PAYMENT_FAILED",
            "round {round}: {order}"
        );
    }
    shop.settle().await;
}

#[tokio::test]
async fn a_charge_whose_order_was_ended_meanwhile_is_refunded() {
    needs!(Invoke, Tables);
    let shop = Shop::start().await;
    let order_id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    assert_eq!(shop.ended(&order_id).await["status"], "CONFIRMED");
    // As if the function had crashed after charging, and the order had been given up before it came back.
    shop.make_overdue(&order_id, "PAYMENT_FAILED").await;
    let response = shop.invoke("process-payment", &payment_event(&order_id, 2)).await;
    assert_eq!(response.json(), json!({"batchItemFailures": []}));
    let snapshot = shop.snapshot().await;
    assert_eq!(
        (snapshot.ledger[&order_id].state.as_str(), snapshot.payments[&order_id].as_str()),
        ("refunded", "REFUNDED")
    );
}
