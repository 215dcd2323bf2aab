//! `POST /orders/{id}/cancel`, and what follows it: the stock comes back at once, the money a moment later.

use std::time::Duration;

use e2e::{NO_ORDER, Options, Response, Shop, eventually, needs};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// A killed payment comes again after its visibility timeout, two seconds in tests.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

pub(crate) fn statuses(order: &Value) -> Vec<&str> {
    order["history"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect()
}

pub(crate) fn cancelled(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.header("cache-control"), "no-store");
    let order = response.json();
    assert_eq!(order["status"], "CANCELLED", "{order}");
    order
}

#[tokio::test]
async fn a_pending_order_is_cancelled_and_nothing_stays_charged() {
    needs!(OwnStack, Tables);
    let shop = Shop::start_with(Options::unhurried()).await;
    // The payment cannot come first.
    let down = json!({"fault": {"error": {"name": "InternalServerError"}}, "service": "web"});
    shop.set_faults(&json!({"rules": [down]})).await;
    let id = shop.place(&[("stoneware-mug", 3), ("record-brush", 1)], "tok_visa").await;
    let order = cancelled(&shop.cancel(&id).response().await);
    assert_eq!(statuses(&order), ["PENDING", "CANCELLED"]);
    assert_eq!(order["history"][1]["reason"], "cancellation_requested");
    assert_eq!(order["updated_at"], order["history"][1]["at"]);
    assert_eq!(shop.get_order(&id).await, order, "what was answered is what is stored");
    assert_eq!((shop.available("stoneware-mug").await, shop.available("record-brush").await), (240, 260));
    shop.clear_faults().await;
    let snapshot = shop.settle().await;
    assert_ne!(snapshot.ledger.get(&id).map(|entry| entry.state.as_str()), Some("captured"));
    assert!(["VOIDED", "REFUNDED"].contains(&snapshot.payments[&id].as_str()), "{snapshot:?}");
}

#[tokio::test]
async fn a_confirmed_order_is_cancelled_through_a_refund() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 3)], "tok_visa").await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    assert_eq!(shop.available("stoneware-mug").await, 237);
    let order = cancelled(&shop.cancel(&id).response().await);
    assert_eq!(statuses(&order), ["PENDING", "CONFIRMED", "CANCELLED"]);
    assert_eq!(shop.available("stoneware-mug").await, 240, "the stock is back at once");
    let snapshot = shop.settle().await;
    assert_eq!(
        (snapshot.ledger[&id].state.as_str(), snapshot.payments[&id].as_str()),
        ("refunded", "REFUNDED")
    );
}

#[tokio::test]
async fn a_confirmed_order_can_be_cancelled_within_its_window_only() {
    needs!(OwnStack, ControlPort, Tables);
    let parameters = vec![("CancelWindowSeconds", "0".to_owned())];
    let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    let confirmed = shop.ended(&id).await;
    let response = shop.cancel(&id).response().await;
    assert_eq!((response.status, response.problem().as_deref()), (409, Some("order-not-cancellable")));
    assert_eq!(response.json()["order_status"], "CONFIRMED");
    assert_eq!(shop.get_order(&id).await, confirmed);
    // No window is about an order that is not paid yet.
    let down = json!({"fault": {"error": {"name": "InternalServerError"}}, "service": "web"});
    shop.set_faults(&json!({"rules": [down]})).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    cancelled(&shop.cancel(&id).response().await);
    shop.clear_faults().await;
    shop.settle().await;
}

#[tokio::test]
async fn cancelling_again_changes_nothing() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&id).await;
    let responses = join_all((0..8).map(|_| shop.cancel(&id).response())).await;
    let first = cancelled(&responses[0]);
    for response in &responses {
        assert_eq!(cancelled(response), first);
    }
    let snapshot = shop.settle().await;
    assert_eq!(cancelled(&shop.cancel(&id).response().await), first);
    let record = json!({"messageId": "again", "receiptHandle": "again",
        "body": json!({"order_id": id}).to_string(), "attributes": {"ApproximateReceiveCount": "1"}});
    for function in ["process-payment", "fail-payment"] {
        let response = shop.invoke(function, &json!({"Records": [record, record]})).await;
        assert_eq!(response.json(), json!({"batchItemFailures": []}), "{function}");
    }
    assert_eq!(shop.settle().await, snapshot, "stock or money moved twice");
}

#[tokio::test]
async fn a_failed_order_cannot_be_cancelled() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_declined").await;
    let failed = shop.ended(&id).await;
    let response = shop.cancel(&id).response().await;
    assert_eq!((response.status, response.problem().as_deref()), (409, Some("order-not-cancellable")));
    assert_eq!(response.json()["order_status"], "PAYMENT_FAILED");
    assert_eq!(shop.get_order(&id).await, failed);
    shop.settle().await;
}

#[tokio::test]
async fn an_order_of_a_product_that_has_left_the_catalogue_is_cancelled_all_the_same() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("titanium-stove", 1), ("stoneware-mug", 3)], "tok_visa").await;
    shop.ended(&id).await;
    shop.discontinue("titanium-stove").await;
    cancelled(&shop.cancel(&id).response().await);
    assert_eq!(shop.available("stoneware-mug").await, 240, "what can be given back is");
    assert_eq!(
        shop.http.get("/products/titanium-stove").response().await.status,
        404,
        "nothing made it anew"
    );
    let snapshot = eventually(SETTLED_WITHIN, || async {
        let snapshot = shop.snapshot().await;
        if snapshot.orders[&id].indexed { Err("its refund is still due") } else { Ok(snapshot) }
    })
    .await;
    assert_eq!(snapshot.ledger[&id].state, "refunded");
}

#[tokio::test]
async fn what_is_no_order_cannot_be_cancelled() {
    needs!(Tables);
    let shop = Shop::start().await;
    for id in [NO_ORDER, "nonsense", "0197A000-0000-7000-8000-000000000000"] {
        let response = shop.cancel(id).response().await;
        assert_eq!((response.status, response.problem().as_deref()), (404, Some("order-not-found")), "{id}");
    }
}

#[tokio::test]
async fn a_get_cancels_nothing() {
    needs!(Gateway);
    let shop = Shop::start().await;
    assert_eq!(shop.http.get("/orders/nonsense/cancel").response().await.status, 404);
}
