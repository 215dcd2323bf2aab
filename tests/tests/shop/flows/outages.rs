//! A dependency that is down: 503 with Retry-After, nothing lost, nothing half done.

use std::{io::Write, time::Duration};

use e2e::{Dynamodb, NO_ORDER, Options, Proxy, Shop, needs, unique_key};
use serde_json::json;
use tempfile::NamedTempFile;

#[tokio::test]
async fn without_dynamodb_everything_is_503_with_retry_after_and_afterwards_all_is_well() {
    needs!(OwnStack);
    let dynamo = Dynamodb::start().await;
    let proxy = Proxy::start(&dynamo.endpoint()).await;
    let flags = vec!["--dynamodb-endpoint".to_owned(), proxy.endpoint.clone()];
    let shop = Shop::start_with(Options { flags, ..Options::unhurried() }).await;
    let before = shop.place(&[("stoneware-mug", 1)], "tok_flaky").await;

    proxy.set_down(true);
    let key = unique_key();
    let order = || shop.order(&[("record-brush", 1)], "tok_visa").header("idempotency-key", &key);
    for request in [
        shop.http.get("/products"),
        shop.http.get("/products/stoneware-mug"),
        shop.http.get(&format!("/orders/{NO_ORDER}")),
        shop.http.get("/health"),
        order(),
    ] {
        let response = request.first_response().await;
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (503, Some("service-unavailable")),
            "{response:?}"
        );
        assert_eq!(response.header("retry-after"), "1");
    }
    let health = shop.http.get("/health").first_response().await.json();
    assert_eq!(health["dependencies"]["orders_table"]["status"], "unavailable", "{health}");
    assert_eq!(health["dependencies"]["payments_queue"]["status"], "ok", "{health}");

    proxy.set_down(false);
    assert_eq!(order().response().await.status, 201, "the same key works after the outage");
    // The pauses between its attempts have grown meanwhile.
    assert_eq!(shop.ended_within(&before, Duration::from_secs(180)).await["status"], "CONFIRMED");
    shop.settle().await;
    drop(shop);
    dynamo.stop().await;
}

#[tokio::test]
async fn without_sqs_orders_are_taken_and_wait_and_afterwards_all_are_paid() {
    needs!(OwnStack);
    // Only its SQS is used: its own functions receive nothing, from the first poll on.
    let deaf = json!({"fault": {"error": {"name": "InternalServerError"}}, "caller": "pollers",
        "operation": "ReceiveMessage"});
    let mut faults = NamedTempFile::new().unwrap();
    write!(faults, "{}", json!({"rules": [deaf]})).unwrap();
    let flags = vec!["--faults".to_owned(), faults.path().to_str().unwrap().to_owned()];
    let sqs = Shop::start_with(Options { flags, ..Options::default() }).await;
    let proxy = Proxy::start(sqs.ready["sqs"].as_str().unwrap()).await;
    let flags = vec!["--sqs-endpoint".to_owned(), proxy.endpoint.clone()];
    let shop = Shop::start_with(Options { flags, ..Options::default() }).await;
    proxy.set_down(true);
    let orders = [shop.place(&[("stoneware-mug", 1)], "tok_visa").await, {
        shop.place(&[("record-brush", 1)], "tok_declined").await
    }];
    let health = shop.http.get("/health").first_response().await;
    assert_eq!(health.status, 503);
    assert_eq!(health.json()["dependencies"]["payments_queue"]["status"], "unavailable");
    for id in &orders {
        assert_eq!(shop.get_order(id).await["status"], "PENDING");
    }
    proxy.set_down(false);
    assert_eq!(shop.ended(&orders[0]).await["status"], "CONFIRMED");
    assert_eq!(shop.ended(&orders[1]).await["status"], "PAYMENT_FAILED");
    shop.settle().await;
}
