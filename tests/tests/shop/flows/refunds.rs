//! Refunds that the provider refuses, or does not make for a long time: each is asked for a limited number of times.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue::{self, S};
use domain_primitives::Timestamp;
use e2e::{Calls, Options, Shop, needs, payment_event};
use serde_json::{Value, json};

const REFUND: &str = "POST /v1/refunds";

/// A cancelled order whose refund is due since an hour ago, while the provider makes no refund.
async fn order_with_a_refund_due(shop: &Shop) -> String {
    let down = json!({"fault": {"error": {"name": "InternalServerError"}}, "service": "web"});
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&id).await;
    shop.set_faults(&json!({"rules": [down]})).await;
    assert_eq!(shop.cancel(&id).response().await.status, 200);
    shop.make_overdue(&id, "CANCELLED").await;
    id
}

fn due_at(item: &std::collections::HashMap<String, AttributeValue>) -> Timestamp {
    Timestamp::try_from(item["due_at"].as_s().unwrap().clone()).unwrap()
}

fn minutes(number: u64) -> Duration {
    Duration::from_secs(60 * number)
}

#[tokio::test]
async fn a_refund_that_is_refused_for_good_is_not_asked_for_again() {
    needs!(OwnStack, ControlPort, Tables);
    let shop = Shop::start_with(Options::unhurried()).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_refund_refused").await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    assert_eq!(shop.cancel(&id).response().await.status, 200);
    shop.settle().await;
    for _ in 0..12 {
        shop.sweep().await;
    }
    let snapshot = shop.settle().await;
    assert_eq!(
        (snapshot.ledger[&id].state.as_str(), snapshot.payments[&id].as_str()),
        ("captured", "REFUND_REFUSED"),
        "people see it"
    );
    assert!(!snapshot.orders[&id].indexed, "and the sweep does not");
    // Two calls made the charge.
    let calls = Calls::of(&shop).take(1).await;
    let of_provider = |call: &&Value| call["operation"].as_str().unwrap().starts_with("POST /v1/");
    assert_eq!(calls.iter().filter(of_provider).count(), 3, "{calls:?}");
}

#[tokio::test]
async fn a_paid_order_of_which_no_intent_is_known_is_not_taken_for_unpaid() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    let forget = shop.aws.dynamodb().update_item().table_name(shop.table("OrdersTable"));
    let forget = forget.key("order_id", S(id.clone())).update_expression("REMOVE payment_intent");
    forget.send().await.unwrap();
    assert_eq!(shop.cancel(&id).response().await.status, 200);
    assert_eq!(shop.settle().await.payments[&id], "REFUND_REFUSED", "its money is still at the provider");
}

#[tokio::test]
async fn a_refund_without_an_answer_is_left_to_the_sweep_which_asks_ever_more_rarely() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    let shop = Shop::start_with(Options::unhurried()).await;
    let id = order_with_a_refund_due(&shop).await;
    let response = shop.invoke("process-payment", &payment_event(&id, 8)).await;
    assert_eq!(response.json(), json!({"batchItemFailures": []}), "its message has done what it can");
    // It has been due for an hour, so it is requested again in an hour.
    let next = due_at(&shop.stored(&id).await);
    assert!(next > Timestamp::after(minutes(55)) && next < Timestamp::after(minutes(65)), "{next}");
    shop.rewrite(&id, [("due_at", S(Timestamp::ago(minutes(1)).to_string()))]).await;
    shop.sweep().await;
    let next = due_at(&shop.stored(&id).await);
    assert!(next > Timestamp::after(minutes(55)), "the sweep has not postponed what it requested: {next}");
    shop.clear_faults().await;
    assert_eq!(shop.settle().await.ledger[&id].state, "refunded", "as soon as the provider answers");
}

#[tokio::test]
async fn a_refund_without_an_answer_for_days_waits_for_people() {
    needs!(OwnStack, ControlPort, Tables);
    let shop = Shop::start_with(Options::unhurried()).await;
    let id = order_with_a_refund_due(&shop).await;
    let long_ago = Timestamp::ago(minutes(4 * 24 * 60)).to_string();
    shop.rewrite(&id, [("updated_at", S(long_ago))]).await;
    let response = shop.invoke("process-payment", &payment_event(&id, 1)).await;
    assert_eq!(response.json(), json!({"batchItemFailures": []}));
    let snapshot = shop.snapshot().await;
    assert_eq!(snapshot.payments[&id], "REFUND_REFUSED");
    assert!(!snapshot.orders[&id].indexed);
    let faults = shop.faults().await;
    assert!(faults[0]["struck"].as_u64() > Some(0), "{REFUND} was not asked for: this proves nothing");
}
