//! An order whose payment gets no verdict: it is tried again until it is too old, and ends after one last question.

use std::time::Duration;

use e2e::{Options, Shop, eventually, needs, payment_event};
use serde_json::{Value, json};

const GIVEN_UP_WITHIN: Duration = Duration::from_secs(60);

async fn shop_that_gives_up_after(seconds: u32) -> Shop {
    let parameters = vec![("PaymentMaxAgeSeconds", seconds.to_string())];
    Shop::start_with(Options { parameters, ..Options::default() }).await
}

fn fault(operation: &str, caller: &str) -> Value {
    json!({"fault": {"error": {"name": "InternalServerError"}}, "caller": caller, "operation": operation})
}

#[tokio::test]
async fn however_often_its_message_is_received_a_young_order_stays_pending() {
    needs!(OwnStack, ControlPort, Tables);
    let shop = shop_that_gives_up_after(3600).await;
    shop.set_faults(&json!({"rules": [fault("POST /v1/payment_intents", "process-payment")]})).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    for function in ["process-payment", "fail-payment"] {
        let response = shop.invoke(function, &payment_event(&id, 1000)).await;
        assert_eq!(response.json()["batchItemFailures"][0]["itemIdentifier"], "m", "{function}");
        assert_eq!(shop.get_order(&id).await["status"], "PENDING", "{function}");
    }
    shop.clear_faults().await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED", "as soon as the provider answers");
    shop.settle().await;
}

#[tokio::test]
async fn what_was_captured_is_found_by_the_last_question() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    let shop = shop_that_gives_up_after(3).await;
    // Charged, but never settled by process-payment.
    shop.set_faults(&json!({"rules": [fault("TransactWriteItems", "process-payment")]})).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    eventually(GIVEN_UP_WITHIN, || async {
        let state = shop.snapshot().await.ledger.get(&id).map(|entry| entry.state.clone());
        if state.as_deref() == Some("captured") { Ok(()) } else { Err(state) }
    })
    .await;
    shop.send("PaymentsDeadLetterQueue", json!({"order_id": id})).await;
    let order = shop.ended_within(&id, GIVEN_UP_WITHIN).await;
    assert_eq!(order["status"], "CONFIRMED", "a customer who has paid gets the order");
    shop.clear_faults().await;
    assert_eq!(shop.settle().await.ledger[&id].state, "captured");
}

#[tokio::test]
async fn without_an_answer_to_the_last_question_the_refund_is_due() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    let shop = shop_that_gives_up_after(3).await;
    // The provider captures, its answers are lost, and then it is down.
    let lost = json!({"fault": "cut-after", "caller": "process-payment",
        "operation": "POST /v1/payment_intents/*/confirm"});
    let down = fault("POST /v1/payment_intents/*/cancel", "process-payment");
    shop.set_faults(&json!({"rules": [lost, down]})).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    let order = shop.ended_within(&id, GIVEN_UP_WITHIN).await;
    assert_eq!(order["history"][1]["reason"], "payment_unavailable", "{order}");
    let snapshot = shop.snapshot().await;
    assert_eq!(snapshot.ledger[&id].state, "captured", "the money is still there: this would prove nothing");
    assert!(snapshot.orders[&id].indexed, "the refund is due");
    shop.clear_faults().await;
    let snapshot = shop.settle_within(GIVEN_UP_WITHIN).await;
    assert_eq!(
        (snapshot.ledger[&id].state.as_str(), snapshot.payments[&id].as_str()),
        ("refunded", "REFUNDED")
    );
}

#[tokio::test]
async fn an_order_that_was_never_tried_is_tried_once_however_old_it_is() {
    needs!(OwnStack, Tables);
    let shop = shop_that_gives_up_after(0).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    shop.settle().await;
}
