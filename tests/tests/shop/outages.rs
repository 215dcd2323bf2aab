//! A dependency that is down: 503 with Retry-After, nothing lost, nothing half done.

use e2e::{Options, Proxy, Shop};
use local_dynamo::Embedded;

#[tokio::test]
async fn without_dynamodb_everything_is_503_with_retry_after_and_afterwards_all_is_well() {
    let dynamo = Embedded::start(0, None).await.unwrap();
    let proxy = Proxy::start(&dynamo.endpoint()).await;
    let flags = vec!["--dynamodb-endpoint".to_owned(), proxy.endpoint.clone()];
    let shop = Shop::start_with(Options { flags, ..Options::default() }).await;
    let before = shop.place(&[("stoneware-mug", 1)], "tok_flaky").await;

    proxy.set_down(true);
    let order =
        || shop.order(&[("record-brush", 1)], "tok_visa").header("idempotency-key", "through-the-outage");
    for request in [
        shop.http.get("/products"),
        shop.http.get("/products/stoneware-mug"),
        shop.http.get("/orders/0197a000-0000-7000-8000-000000000000"),
        shop.http.get("/health"),
        order(),
    ] {
        let answer = request.answer().await;
        assert_eq!(
            (answer.status, answer.problem().as_deref()),
            (503, Some("service-unavailable")),
            "{answer:?}"
        );
        assert_eq!(answer.header("retry-after"), "1");
    }
    let health = shop.http.get("/health").answer().await.json();
    assert_eq!(health["dependencies"]["orders_table"]["status"], "unavailable", "{health}");
    assert_eq!(health["dependencies"]["payments_queue"]["status"], "ok", "{health}");

    proxy.set_down(false);
    assert_eq!(order().answer().await.status, 201, "the same key works after the outage");
    assert_eq!(shop.ended(&before).await["status"], "CONFIRMED");
    shop.settle().await;
    drop(shop);
    dynamo.stop().await;
}
