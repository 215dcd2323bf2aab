//! `GET /products` and `GET /products/{id}`

use std::collections::BTreeSet;

use e2e::{Shop, needs};
use serde_json::Value;

/// All product ids under a query, page by page.
async fn all(shop: &Shop, query: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = shop.http.get(&format!("/products?{query}{cursor}")).answer().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        let items = page["items"].as_array().unwrap();
        assert!(!items.is_empty() || ids.is_empty(), "an empty page after others");
        ids.extend(items.iter().map(|item| item["product_id"].as_str().unwrap().to_owned()));
        match page.get("next_cursor") {
            Some(next) => cursor = format!("&cursor={}", next.as_str().unwrap()),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn pages_hold_every_product_once_in_order_of_names() {
    let shop = Shop::start().await;
    let first = shop.http.get("/products").answer().await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 20, "the default limit");

    let by_seven = all(&shop, "limit=7").await;
    assert_eq!(by_seven.len(), 100);
    assert_eq!(by_seven.iter().collect::<BTreeSet<_>>().len(), 100);
    assert_eq!(by_seven, all(&shop, "limit=100").await, "the order does not depend on the limit");

    let whole = shop.http.get("/products?limit=100").answer().await.json();
    let names: Vec<String> = whole["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_lowercase())
        .collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[tokio::test]
async fn a_category_lists_its_products_only() {
    let shop = Shop::start().await;
    let page = shop.http.get("/products?category=audio&limit=100").answer().await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 10);
    assert!(items.iter().all(|item| item["category"] == "audio"));
    assert_eq!(all(&shop, "category=audio&limit=3").await.len(), 10);

    let unknown = shop.http.get("/products?category=no-such-category").answer().await;
    assert_eq!((unknown.status, unknown.json()), (200, serde_json::json!({"items": []})));
}

#[tokio::test]
async fn bad_limits_categories_and_foreign_cursors_are_400() {
    let shop = Shop::start().await;
    for query in
        ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "category=Not%20a%20slug", "category="]
    {
        let answer = shop.http.get(&format!("/products?{query}")).answer().await;
        assert_eq!((answer.status, answer.problem().as_deref()), (400, Some("invalid-request")), "{query}");
    }
    let page = shop.http.get("/products?category=audio&limit=1").answer().await.json();
    let audio = page["next_cursor"].as_str().unwrap();
    let half = &audio[..audio.len() / 2];
    for query in [
        format!("cursor={audio}"),
        format!("category=home&cursor={audio}"),
        format!("category=audio&cursor={half}"),
        "cursor=".to_owned(),
        "cursor=nonsense".to_owned(),
        "cursor=%00%ff".to_owned(),
        format!("cursor={}", "a".repeat(5000)),
    ] {
        let answer = shop.http.get(&format!("/products?{query}")).answer().await;
        assert_eq!((answer.status, answer.problem().as_deref()), (400, Some("invalid-cursor")), "{query}");
    }
    assert_eq!(shop.http.get(&format!("/products?category=audio&cursor={audio}")).answer().await.status, 200);
}

#[tokio::test]
async fn a_product_is_answered_whole() {
    let shop = Shop::start().await;
    let answer = shop.http.get("/products/hand-coffee-grinder").answer().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    insta::assert_json_snapshot!(answer.json(), {".updated_at" => "[time]", ".available" => "[stock]", ".image" => insta::dynamic_redaction(|image, _| {
        assert!(image.as_str().unwrap().starts_with("data:image/svg+xml,"));
        "[svg]"
    })});
    assert_eq!(answer.json()["available"], shop.stocked("hand-coffee-grinder"));
    let listed = shop.http.get("/products?category=kitchen&limit=100").answer().await.json();
    let same = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["product_id"] == "hand-coffee-grinder")
        .cloned();
    assert_eq!(same, Some(answer.json()), "list and single answer agree");
}

#[tokio::test]
async fn an_entity_tag_saves_the_body_until_the_product_changes() {
    let shop = Shop::start().await;
    let path = "/products/stoneware-mug";
    let etag = shop.http.get(path).answer().await.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let answer = shop.http.get(path).header("if-none-match", &tags).answer().await;
        assert_eq!(
            (answer.status, answer.body.len(), answer.header("etag")),
            (304, 0, etag.as_str()),
            "{tags}"
        );
    }
    shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    let changed = shop.http.get(path).header("if-none-match", &etag).answer().await;
    assert_eq!(
        (changed.status, changed.json()["available"].as_i64()),
        (200, Some(shop.stocked("stoneware-mug") - 1))
    );
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test]
async fn what_is_no_product_is_404() {
    let shop = Shop::start().await;
    for id in ["no-such-product", "UPPER", "a%20b", "%F0%9F%9B%92", &"x".repeat(500)] {
        no_product(&shop, id).await;
    }
    insta::assert_json_snapshot!(
        shop.http.get("/products/no-such-product").answer().await.json(), {".instance" => "[request id]"}
    );
}

async fn no_product(shop: &Shop, id: &str) {
    let answer = shop.http.get(&format!("/products/{id}")).answer().await;
    assert_eq!((answer.status, answer.problem().as_deref()), (404, Some("product-not-found")), "{id}");
}

#[tokio::test]
async fn an_encoded_slash_is_part_of_the_id() {
    needs!(Gateway);
    let shop = Shop::start().await;
    for id in ["a%2Fb", "..%2f..%2fetc"] {
        no_product(&shop, id).await;
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_call() {
    needs!(Gateway);
    let shop = Shop::start().await;
    let preflight = shop
        .http
        .request("OPTIONS", "/orders")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .answer()
        .await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (204, "GET,POST"));
    let answer = shop.http.get("/products?limit=1").header("origin", "https://shop.example").answer().await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-expose-headers").contains("location"));
}

#[tokio::test]
async fn the_shop_is_healthy_and_says_what_it_needs() {
    let shop = Shop::start().await;
    let answer = shop.http.get("/health").answer().await;
    assert_eq!(answer.status, 200);
    let health = answer.json();
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
