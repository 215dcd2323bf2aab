//! `GET /products/{id}`

use e2e::{Shop, needs};

#[tokio::test]
async fn a_product_is_answered_whole() {
    let shop = Shop::start().await;
    let response = shop.http.get("/products/hand-coffee-grinder").response().await;
    assert_eq!((response.status, response.header("content-type")), (200, "application/json"));
    insta::assert_json_snapshot!(response.json(), {".updated_at" => "[time]", ".available" => "[stock]", ".image" => insta::dynamic_redaction(|image, _| {
        assert!(image.as_str().unwrap().starts_with("data:image/svg+xml,"));
        "[svg]"
    })});
    assert_eq!(response.json()["available"], shop.stocked("hand-coffee-grinder"));
    let listed = shop.http.get("/products?category=kitchen&limit=100").response().await.json();
    let same = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["product_id"] == "hand-coffee-grinder")
        .cloned();
    assert_eq!(same, Some(response.json()), "list and single answer agree");
}

#[tokio::test]
async fn an_entity_tag_saves_the_body_until_the_product_changes() {
    let shop = Shop::start().await;
    let path = "/products/stoneware-mug";
    let etag = shop.http.get(path).response().await.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let response = shop.http.get(path).header("if-none-match", &tags).response().await;
        assert_eq!(
            (response.status, response.body.len(), response.header("etag")),
            (304, 0, etag.as_str()),
            "{tags}"
        );
    }
    shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    let changed = shop.http.get(path).header("if-none-match", &etag).response().await;
    assert_eq!(
        (changed.status, changed.json()["available"].as_i64()),
        (200, Some(shop.stocked("stoneware-mug") - 1))
    );
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test]
async fn if_match_asks_for_one_state_of_the_product() {
    let shop = Shop::start().await;
    let path = "/products/pour-over-kettle";
    let etag = shop.http.get(path).response().await.header("etag").to_owned();
    let get = |tags: &str| shop.http.get(path).header("if-match", tags);
    for tags in [etag.clone(), format!("\"x\", {etag}"), "*".to_owned()] {
        assert_eq!(get(&tags).response().await.status, 200, "{tags}");
    }
    for tags in ["nope".to_owned(), "\"nope\"".to_owned(), format!("W/{etag}")] {
        let response = get(&tags).response().await;
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (412, Some("precondition-failed")),
            "{tags}"
        );
        assert_eq!(
            get(&tags).header("if-none-match", &etag).response().await.status,
            412,
            "{tags}: it comes first"
        );
    }
    assert_eq!(get(&etag).header("if-none-match", &etag).response().await.status, 304);
    let unknown = shop.http.get("/products/no-such-product").header("if-match", "*").response().await;
    assert_eq!(unknown.status, 404, "a condition is ignored where the request fails without it");
}

#[tokio::test]
async fn what_is_no_product_is_404() {
    let shop = Shop::start().await;
    for id in ["no-such-product", "UPPER", "a%20b", "%F0%9F%9B%92", &"x".repeat(500)] {
        no_product(&shop, id).await;
    }
    insta::assert_json_snapshot!(
        shop.http.get("/products/no-such-product").response().await.json(), {".instance" => "[request id]"}
    );
}

async fn no_product(shop: &Shop, id: &str) {
    let response = shop.http.get(&format!("/products/{id}")).response().await;
    assert_eq!((response.status, response.problem().as_deref()), (404, Some("product-not-found")), "{id}");
}

#[tokio::test]
async fn an_encoded_slash_is_part_of_the_id() {
    needs!(Gateway);
    let shop = Shop::start().await;
    for id in ["a%2Fb", "..%2f..%2fetc"] {
        no_product(&shop, id).await;
    }
}
