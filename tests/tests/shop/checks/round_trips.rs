//! How many calls each function makes, counted between it and DynamoDB.

use e2e::{Calls, Options, Shop, needs, unique_key};
use serde_json::Value;

/// `create-order TransactWriteItems`
fn call(call: &Value) -> String {
    format!("{} {}", call["function"].as_str().unwrap(), call["operation"].as_str().unwrap())
}

#[tokio::test]
async fn functions_make_no_more_round_trips_than_promised() {
    needs!(ControlPort);
    let shop = Shop::start_with(Options::unhurried()).await;
    let mut calls = Calls::of(&shop);
    shop.http.get("/products?limit=100").response().await;
    calls.are("list-products 2", &["list-products Query", "list-products BatchGetItem"], call).await;
    shop.http.get("/products/stoneware-mug").response().await;
    calls.are("get-product 1", &["get-product Query"], call).await;

    let place = async |token| {
        let id = shop.place(&[("stoneware-mug", 1), ("record-brush", 1)], token).await;
        // Without a function, so that only the flow's own calls are seen.
        shop.settle_quietly(&id).await;
        id
    };
    let payment = [
        "request-payments SendMessageBatch",
        "process-payment GetItem",
        "process-payment POST /v1/payment_intents",
        "process-payment UpdateItem",
        "process-payment POST /v1/payment_intents/*/confirm",
        "process-payment TransactWriteItems",
    ];
    let with = |own: &[&'static str]| [own, &payment].concat();
    place("tok_visa").await;
    let cold = with(&["create-order BatchGetItem", "create-order TransactWriteItems"]);
    calls.are("cold create-order 2, process-payment 3 and 2 to the provider", &cold, call).await;
    let warm = with(&["create-order TransactWriteItems"]);
    let id = place("tok_visa").await;
    calls.are("warm create-order 1, process-payment 3 and 2 to the provider", &warm, call).await;
    place("tok_declined").await;
    calls.are("a decline costs the same", &warm, call).await;

    shop.http.get(&format!("/orders/{id}")).response().await;
    calls.are("get-order 1", &["get-order GetItem"], call).await;

    shop.cancel(&id).response().await;
    let cancellation = [
        "cancel-order GetItem",
        "cancel-order TransactWriteItems",
        "request-payments SendMessageBatch",
        "process-payment GetItem",
        "process-payment POST /v1/refunds",
        "process-payment TransactWriteItems",
    ];
    let what = "cancel-order 2; its refund 3: read the order, give back, note it";
    calls.are(what, &cancellation, call).await;
    shop.cancel(&id).response().await;
    calls.are("cancelling again 1", &["cancel-order GetItem"], call).await;

    let key = unique_key();
    let again =
        || shop.order(&[("stoneware-mug", 1)], "tok_visa").header("idempotency-key", &key).first_response();
    let first = again().await;
    assert_eq!(first.status, 201);
    shop.settle_quietly(first.json()["order_id"].as_str().unwrap()).await;
    calls.are("an order with a key", &warm, call).await;
    assert_eq!(again().await.status, 200);
    calls.are("a replay is found by the write itself", &["create-order TransactWriteItems"], call).await;
}
