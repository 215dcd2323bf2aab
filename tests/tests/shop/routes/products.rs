//! `GET /products`

use std::collections::BTreeSet;

use e2e::Shop;

/// All product ids under a query, page by page.
async fn all(shop: &Shop, query: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let response = shop.http.get(&format!("/products?{query}{cursor}")).response().await;
        assert_eq!(response.status, 200, "{response:?}");
        let page = response.json();
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
    let first = shop.http.get("/products").response().await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 20, "the default limit");

    let by_seven = all(&shop, "limit=7").await;
    assert_eq!(by_seven.len(), 100);
    assert_eq!(by_seven.iter().collect::<BTreeSet<_>>().len(), 100);
    assert_eq!(by_seven, all(&shop, "limit=100").await, "the order does not depend on the limit");

    let whole = shop.http.get("/products?limit=100").response().await.json();
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
    let page = shop.http.get("/products?category=audio&limit=100").response().await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 10);
    assert!(items.iter().all(|item| item["category"] == "audio"));
    assert_eq!(all(&shop, "category=audio&limit=3").await.len(), 10);

    let unknown = shop.http.get("/products?category=no-such-category").response().await;
    assert_eq!((unknown.status, unknown.json()), (200, serde_json::json!({"items": []})));
}

#[tokio::test]
async fn bad_limits_categories_and_foreign_cursors_are_400() {
    let shop = Shop::start().await;
    for query in
        ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "category=Not%20a%20slug", "category="]
    {
        let response = shop.http.get(&format!("/products?{query}")).response().await;
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some("invalid-request")),
            "{query}"
        );
    }
    let page = shop.http.get("/products?category=audio&limit=1").response().await.json();
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
        let response = shop.http.get(&format!("/products?{query}")).response().await;
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some("invalid-cursor")),
            "{query}"
        );
    }
    assert_eq!(
        shop.http.get(&format!("/products?category=audio&cursor={audio}")).response().await.status,
        200
    );
}
