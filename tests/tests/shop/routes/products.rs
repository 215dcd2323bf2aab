//! `GET /products`

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use e2e::{Options, Shop, eventually, needs};
use serde_json::Value;

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

/// Lists everything under a query: ids, and how many pages it took. A page may be short, or even empty.
async fn pages(shop: &Shop, query: &str) -> (BTreeSet<String>, usize) {
    let (mut ids, mut pages, mut cursor) = (BTreeSet::new(), 0, String::new());
    loop {
        let response = shop.http.get(&format!("/products?{query}{cursor}")).response().await;
        assert_eq!(response.status, 200, "{response:?}");
        let page = response.json();
        for item in page["items"].as_array().unwrap() {
            assert!(ids.insert(item["product_id"].as_str().unwrap().to_owned()), "{item} is listed twice");
        }
        pages += 1;
        assert!(pages <= 200, "the pages of {query} do not end");
        match page.get("next_cursor") {
            Some(next) => cursor = format!("&cursor={}", next.as_str().unwrap()),
            None => return (ids, pages),
        }
    }
}

/// Breaks an offer, a product, and puts a record in their midst whose key is no product's.
async fn break_three_items(shop: &Shop) {
    let (dynamodb, table) = (shop.aws.dynamodb(), shop.table("CatalogTable"));
    let update = |product_id: &str, record: &str, name: &str| {
        let update = dynamodb.update_item().table_name(&table).key("product_id", S(product_id.to_owned()));
        let update = update.key("record", S(record.to_owned())).update_expression("SET #name = :value");
        update.expression_attribute_names("#name", name)
    };
    let price = update("stoneware-mug", "offer", "price");
    price.expression_attribute_values(":value", N("19.9900719".to_owned())).send().await.unwrap();
    let updated = update("ramen-bowl", "product", "updated_at");
    updated.expression_attribute_values(":value", S("yesterday".to_owned())).send().await.unwrap();
    let mut put = dynamodb.put_item().table_name(&table);
    for (name, value) in [
        ("product_id", "No Slug"),
        ("record", "product"),
        ("listing", "product"),
        ("category", "kitchen"),
        ("sort_name", "moka#No Slug"),
    ] {
        put = put.item(name, S(value.to_owned()));
    }
    put.send().await.unwrap();
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_left_out_logged_and_counted() {
    needs!(OwnStack, Tables);
    let flags = vec!["--log-format".to_owned(), "json".to_owned(), "--verbose".to_owned()];
    let shop = Shop::start_with(Options { flags, ..Options::default() }).await;
    let (whole, _) = pages(&shop, "limit=100").await;
    let categories = shop.http.get("/categories").response().await.json();
    break_three_items(&shop).await;

    let (listed, count) = pages(&shop, "limit=100").await;
    let missing: Vec<_> = whole.difference(&listed).map(String::as_str).collect();
    assert_eq!(missing, ["ramen-bowl", "stoneware-mug"], "the others are listed");
    assert!(listed.is_subset(&whole) && count <= 2, "{count} pages");
    for query in ["limit=1", "limit=7"] {
        assert_eq!(pages(&shop, query).await.0, listed, "{query}");
    }
    let kitchen = pages(&shop, "category=kitchen&limit=1").await.0;
    assert_eq!(pages(&shop, "category=kitchen&limit=100").await.0, kitchen);
    assert!(kitchen.len() > 3 && kitchen.is_subset(&listed), "{kitchen:?}");
    assert_eq!(shop.http.get("/categories").response().await.json(), categories);

    let lines = eventually(Duration::from_secs(10), || async {
        let lines = lines_about_items(&shop);
        if lines.iter().any(|line| line["unreadable"] == 3) { Ok(lines) } else { Err(lines) }
    })
    .await;
    let all = lines.iter().find(|line| line["unreadable"] == 3).unwrap();
    assert_eq!(all["level"], "ERROR");
    let mut keys: Vec<String> = serde_json::from_str(all["keys"].as_str().unwrap()).unwrap();
    keys.sort();
    assert_eq!(keys, ["No Slug/product", "ramen-bowl/product", "stoneware-mug/offer"]);
    assert!(
        !shop.log().contains("9900719") && !shop.log().contains("yesterday"),
        "what an item holds is logged"
    );
}

/// The lines that functions have logged about items of lists.
fn lines_about_items(shop: &Shop) -> Vec<Value> {
    let log = shop.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| line["line"].clone()).filter(|line| !line["unreadable"].is_null()).collect()
}
