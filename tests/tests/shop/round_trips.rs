//! How many calls to DynamoDB each function makes, counted in between.

use std::time::Duration;

use e2e::{Options, Proxy, Shop};
use local_dynamo::Embedded;

#[tokio::test]
async fn functions_make_no_more_round_trips_than_promised() {
    let dynamo = Embedded::start(0, None).await.unwrap();
    let proxy = Proxy::start(&dynamo.endpoint()).await;
    let flags = vec!["--dynamodb-endpoint".to_owned(), proxy.endpoint.clone()];
    let shop = Shop::start_with(Options { flags, ..Options::default() }).await;
    let calls = |what: &str, expected: &[&str]| assert_eq!(proxy.take_calls(), expected, "{what}");
    let _ = proxy.take_calls();

    assert_eq!(shop.http.get("/products?limit=100").answer().await.status, 200);
    calls("list-products", &["Query", "BatchGetItem"]);
    assert_eq!(shop.http.get("/products/stoneware-mug").answer().await.status, 200);
    calls("get-product", &["Query"]);

    let order = |token: &'static str| shop.place(&[("stoneware-mug", 1), ("record-brush", 1)], token);
    let cold = order("tok_visa").await;
    shop.settle_quietly(&dynamo.endpoint(), &cold).await;
    assert_eq!(
        proxy.take_calls(),
        ["BatchGetItem", "TransactWriteItems", "GetItem", "UpdateItem", "TransactWriteItems"],
        "cold create-order 2, process-payment 3"
    );

    let warm = order("tok_visa").await;
    shop.settle_quietly(&dynamo.endpoint(), &warm).await;
    assert_eq!(
        proxy.take_calls(),
        ["TransactWriteItems", "GetItem", "UpdateItem", "TransactWriteItems"],
        "warm create-order 1, process-payment 3"
    );

    let declined = order("tok_declined").await;
    shop.settle_quietly(&dynamo.endpoint(), &declined).await;
    assert_eq!(
        proxy.take_calls(),
        ["TransactWriteItems", "GetItem", "UpdateItem", "TransactWriteItems"],
        "a decline costs the same"
    );

    assert_eq!(shop.http.get(&format!("/orders/{warm}")).answer().await.status, 200);
    calls("get-order", &["GetItem"]);

    let key = || shop.order(&[("stoneware-mug", 1)], "tok_visa").header("idempotency-key", "once").answer();
    assert_eq!(key().await.status, 201);
    let once = key().await;
    assert_eq!(once.status, 200);
    let id = once.json()["order_id"].as_str().unwrap().to_owned();
    shop.settle_quietly(&dynamo.endpoint(), &id).await;
    let writes = proxy.take_calls().iter().filter(|call| *call == "TransactWriteItems").count();
    assert_eq!(writes, 3, "order, replay, settlement: a replay is found by the write itself");
    drop(shop);
    tokio::time::timeout(Duration::from_secs(5), dynamo.stop()).await.unwrap();
}
