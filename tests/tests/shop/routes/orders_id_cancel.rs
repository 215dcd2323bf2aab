//! `POST /orders/{id}/cancel`, and what follows it: the stock comes back at once, the money a moment later.

use std::time::Duration;

use e2e::{Answer, NO_ORDER, Options, Shop, eventually, needs};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// A killed payment comes again after its visibility timeout, two seconds in tests, up to five times.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

pub(crate) fn statuses(order: &Value) -> Vec<&str> {
    order["history"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect()
}

pub(crate) fn cancelled(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let order = answer.json();
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
    let order = cancelled(&shop.cancel(&id).answer().await);
    assert_eq!(statuses(&order), ["PENDING", "CANCELLED"]);
    assert_eq!(order["history"][1]["reason"], "cancellation_requested");
    assert_eq!(order["updated_at"], order["history"][1]["at"]);
    assert_eq!(shop.look(&id).await, order, "what was answered is what is stored");
    assert_eq!((shop.available("stoneware-mug").await, shop.available("record-brush").await), (240, 260));
    shop.clear_faults().await;
    let books = shop.settle().await;
    assert_ne!(books.ledger.get(&id).map(|entry| entry.state.as_str()), Some("captured"));
    assert!(["VOIDED", "REFUNDED"].contains(&books.payments[&id].as_str()), "{books:?}");
}

#[tokio::test]
async fn a_confirmed_order_is_cancelled_through_a_refund() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 3)], "tok_visa").await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    assert_eq!(shop.available("stoneware-mug").await, 237);
    let order = cancelled(&shop.cancel(&id).answer().await);
    assert_eq!(statuses(&order), ["PENDING", "CONFIRMED", "CANCELLED"]);
    assert_eq!(shop.available("stoneware-mug").await, 240, "the stock is back at once");
    let books = shop.settle().await;
    assert_eq!((books.ledger[&id].state.as_str(), books.payments[&id].as_str()), ("refunded", "REFUNDED"));
}

#[tokio::test]
async fn cancelling_again_changes_nothing() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&id).await;
    let answers = join_all((0..8).map(|_| shop.cancel(&id).answer())).await;
    let first = cancelled(&answers[0]);
    for answer in &answers {
        assert_eq!(cancelled(answer), first);
    }
    let books = shop.settle().await;
    assert_eq!(cancelled(&shop.cancel(&id).answer().await), first);
    let record = json!({"messageId": "again", "receiptHandle": "again",
        "body": json!({"order_id": id}).to_string(), "attributes": {"ApproximateReceiveCount": "1"}});
    for function in ["process-payment", "fail-payment"] {
        let answer = shop.invoke(function, &json!({"Records": [record, record]})).await;
        assert_eq!(answer.json(), json!({"batchItemFailures": []}), "{function}");
    }
    assert_eq!(shop.settle().await, books, "stock or money moved twice");
}

#[tokio::test]
async fn a_failed_order_cannot_be_cancelled() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_declined").await;
    let failed = shop.ended(&id).await;
    let answer = shop.cancel(&id).answer().await;
    assert_eq!((answer.status, answer.problem().as_deref()), (409, Some("order-not-cancellable")));
    assert_eq!(answer.json()["order_status"], "PAYMENT_FAILED");
    assert_eq!(shop.look(&id).await, failed);
    shop.settle().await;
}

#[tokio::test]
async fn an_order_of_a_product_that_has_left_the_catalogue_is_cancelled_all_the_same() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("titanium-stove", 1), ("stoneware-mug", 3)], "tok_visa").await;
    shop.ended(&id).await;
    shop.discontinue("titanium-stove").await;
    cancelled(&shop.cancel(&id).answer().await);
    assert_eq!(shop.available("stoneware-mug").await, 240, "what can be given back is");
    assert_eq!(shop.http.get("/products/titanium-stove").answer().await.status, 404, "nothing made it anew");
    let books = eventually(SETTLED_WITHIN, || async {
        let books = shop.books().await;
        if books.orders[&id].indexed { Err("its refund is still due") } else { Ok(books) }
    })
    .await;
    assert_eq!(books.ledger[&id].state, "refunded");
}

#[tokio::test]
async fn what_is_no_order_cannot_be_cancelled() {
    needs!(Tables);
    let shop = Shop::start().await;
    for id in [NO_ORDER, "nonsense", "0197A000-0000-7000-8000-000000000000"] {
        let answer = shop.cancel(id).answer().await;
        assert_eq!((answer.status, answer.problem().as_deref()), (404, Some("order-not-found")), "{id}");
    }
}

#[tokio::test]
async fn a_get_cancels_nothing() {
    needs!(Gateway);
    let shop = Shop::start().await;
    assert_eq!(shop.http.get("/orders/nonsense/cancel").answer().await.status, 404);
}
