//! `GET /health`

use e2e::Shop;
use serde_json::Value;

#[tokio::test]
async fn the_shop_is_healthy_and_says_what_it_needs() {
    let shop = Shop::start().await;
    let response = shop.http.get("/health").response().await;
    assert_eq!(response.status, 200);
    let health = response.json();
    assert_eq!(
        (health["status"].as_str(), health["version"].as_str()),
        (Some("ok"), Some(env!("CARGO_PKG_VERSION")))
    );
    let needed: Vec<_> = health["dependencies"].as_object().unwrap().keys().collect();
    assert_eq!(needed, ["catalog_table", "orders_table", "payments_queue", "payments_table"]);
    assert!(
        health["dependencies"].as_object().unwrap().values().all(|check: &Value| check["status"] == "ok")
    );
}
