//! `POST /orders`: bad input of every kind gets its documented 4xx and changes nothing.

use e2e::{Request, Shop, needs, unique_key};
use serde_json::{Value, json};

fn good() -> Value {
    json!({"items": [{"product_id": "stoneware-mug", "quantity": 1}], "payment_method": "tok_visa",
        "customer": {"email": "a@example.com"}})
}

/// A good order with one thing changed.
fn with(pointer: &str, value: Value) -> String {
    let mut order = good();
    *order.pointer_mut(pointer).unwrap() = value;
    order.to_string()
}

fn orders() -> Vec<(&'static str, String, u16)> {
    let lines = |count: usize| {
        json!((0..count).map(|n| json!({"product_id": format!("p-{n}"), "quantity": 1})).collect::<Vec<_>>())
    };
    let pieces = |count: usize| {
        let line = |n: usize| json!({"product_id": format!("p-{}", n % 10), "quantity": 1});
        let mut lines: Vec<_> =
            (0..10).map(|n| json!({"product_id": format!("p-{n}"), "quantity": count / 10})).collect();
        lines.extend((0..count % 10).map(line));
        json!(lines)
    };
    let mut extra = good();
    extra["coupon"] = json!("FREE");
    let mut priced = good();
    priced["items"][0]["unit_price"] = json!(1);
    vec![
        ("nothing", String::new(), 400),
        ("broken JSON", r#"{"items":["#.to_owned(), 400),
        ("two documents", format!("{}{}", good(), good()), 400),
        ("not an object", "[]".to_owned(), 400),
        ("null", "null".to_owned(), 400),
        ("deep nesting", "[".repeat(5000), 400),
        ("unknown field", extra.to_string(), 400),
        ("a price from the client", priced.to_string(), 400),
        ("a field twice", r#"{"items":[],"items":[]}"#.to_owned(), 400),
        ("no items", with("/items", json!([])), 400),
        ("51 lines", with("/items", lines(51)), 400),
        (
            "51 lines of one product",
            with("/items", json!(vec![json!({"product_id": "stoneware-mug", "quantity": 1}); 51])),
            400,
        ),
        ("items of another type", with("/items", json!("mug")), 400),
        ("quantity 0", with("/items/0/quantity", json!(0)), 400),
        ("quantity -1", with("/items/0/quantity", json!(-1)), 400),
        ("quantity 21", with("/items/0/quantity", json!(21)), 400),
        ("quantity 1000", with("/items/0/quantity", json!(1000)), 400),
        ("101 pieces", with("/items", pieces(101)), 400),
        ("quantity 2^63", with("/items/0/quantity", json!(9_223_372_036_854_775_808_u64)), 400),
        ("quantity 1e400", good().to_string().replace("\"quantity\":1", "\"quantity\":1e400"), 400),
        ("quantity 1.5", with("/items/0/quantity", json!(1.5)), 400),
        ("quantity as text", with("/items/0/quantity", json!("1")), 400),
        ("quantity null", with("/items/0/quantity", Value::Null), 400),
        ("product id with spaces", with("/items/0/product_id", json!("a b")), 400),
        ("product id of 65 letters", with("/items/0/product_id", json!("x".repeat(65))), 400),
        ("product id as number", with("/items/0/product_id", json!(7)), 400),
        ("no e-mail", with("/customer/email", json!("nobody")), 400),
        ("long e-mail", with("/customer/email", json!(format!("{}@b.c", "a".repeat(300)))), 400),
        ("e-mail with NUL", with("/customer/email", json!("a\u{0}@b.c")), 400),
        ("unknown kind of token", with("/payment_method", json!("4111111111111111")), 400),
        ("empty token", with("/payment_method", json!("")), 400),
        ("token with a hyphen", with("/payment_method", json!("tok_a-b")), 400),
        ("long token", with("/payment_method", json!(format!("tok_{}", "a".repeat(251)))), 400),
        ("unknown product", with("/items/0/product_id", json!("no-such-product")), 404),
        ("a body of 64 KiB and a byte", " ".repeat(64 * 1024 + 1), 413),
        ("a body of 1 MiB", "x".repeat(1024 * 1024), 413),
    ]
}

#[tokio::test]
async fn bad_orders_get_a_precise_problem_and_change_nothing() {
    let shop = Shop::start().await;
    let before = shop.snapshot().await;
    for (what, body, status) in orders() {
        let request =
            shop.http.request("POST", "/orders").header("content-type", "application/json").body(body);
        expect(request, what, status).await;
    }
    for (what, content_type) in [
        ("no content type", None),
        ("text", Some("text/plain")),
        ("latin1", Some("application/json; charset=latin1")),
    ] {
        let mut request = shop.http.request("POST", "/orders").body(good().to_string());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        expect(request, what, 415).await;
    }
    for (what, key) in [
        ("empty key", String::new()),
        ("key of one character", "1".to_owned()),
        ("key of 15 characters", "k".repeat(15)),
        ("long key", "k".repeat(256)),
        ("key with a space", format!("{} {}", "k".repeat(16), "k".repeat(16))),
        ("key with a comma", format!("{},{}", "k".repeat(16), "k".repeat(16))),
    ] {
        expect(shop.http.post("/orders", &good()).header("idempotency-key", key), what, 400).await;
    }
    assert_eq!(shop.snapshot().await, before, "bad input changed something");
    assert!(before.orders.is_empty());
}

#[tokio::test]
async fn an_array_where_an_object_belongs_is_400_and_is_pointed_at() {
    let shop = Shop::start().await;
    let before = shop.snapshot().await;
    let whole = json!([[["stoneware-mug", 1]], "tok_visa", ["a@example.com"]]);
    for (pointer, body) in [
        ("", whole.to_string()),
        ("/items/0", with("/items/0", json!(["stoneware-mug", 1]))),
        ("/customer", with("/customer", json!(["a@example.com"]))),
    ] {
        let body: Value = serde_json::from_str(&body).unwrap();
        let response = shop.http.post("/orders", &body).response().await;
        assert_eq!(response.status, 400, "{body}: {response:?}");
        assert_eq!(response.json()["errors"], json!([{"pointer": pointer, "detail": "must be an object"}]));
    }
    assert_eq!(shop.snapshot().await, before, "an array was an order");
}

#[tokio::test]
async fn a_compressed_body_is_415_with_what_is_taken() {
    let shop = Shop::start().await;
    let response = shop.http.post("/orders", &good()).header("content-encoding", "gzip").response().await;
    assert_eq!((response.status, response.header("accept-encoding")), (415, "identity"), "{response:?}");
    assert_eq!(response.problem().as_deref(), Some("unsupported-media-type"));
    let plain = shop.http.post("/orders", &with_unknown_product()).header("content-encoding", "identity");
    assert_eq!(plain.response().await.status, 404, "identity is no coding");
}

/// A body that is read, and makes no order.
fn with_unknown_product() -> Value {
    serde_json::from_str(&with("/items/0/product_id", json!("no-such-product"))).unwrap()
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_400() {
    needs!(Gateway);
    let shop = Shop::start().await;
    let bytes = [br#"{"items":[{"product_id":""#.as_slice(), &[0xff, 0xfe], br#"","quantity":1}]}"#].concat();
    expect(
        shop.http.request("POST", "/orders").header("content-type", "application/json").body(bytes),
        "bad UTF-8",
        400,
    )
    .await;
}

async fn expect(request: Request, what: &str, status: u16) {
    let response = request.response().await;
    assert_eq!(response.status, status, "{what}: {response:?}");
    let problem = response.problem().unwrap_or_else(|| panic!("{what}: not a problem: {response:?}"));
    let body = response.json();
    let known = ["invalid-request", "product-not-found", "payload-too-large", "unsupported-media-type"];
    assert!(known.contains(&problem.as_str()), "{what}: {problem}");
    assert!(
        !body["detail"].as_str().unwrap().is_empty() && !body["instance"].as_str().unwrap().is_empty(),
        "{what}"
    );
}

#[tokio::test]
async fn several_faults_are_all_named() {
    let shop = Shop::start().await;
    let body = json!({"items": [{"product_id": "Bad Id", "quantity": 0}, {"product_id": "stoneware-mug", "quantity": 1000}],
        "payment_method": "cash", "customer": {"email": "x"}});
    let response = shop.http.post("/orders", &body).header("idempotency-key", "1").response().await;
    assert_eq!(response.status, 400);
    insta::assert_json_snapshot!(response.json(), {".instance" => "[request id]"});
}

#[tokio::test]
async fn a_key_on_two_header_lines_makes_no_order() {
    needs!(Gateway);
    let shop = Shop::start().await;
    let key = unique_key();
    let twice = shop.order(&[("stoneware-mug", 1)], "tok_visa").header("idempotency-key", &key);
    let response = twice.header("idempotency-key", &key).response().await;
    assert_eq!(response.status, 400, "{response:?}");
    let errors = &response.json()["errors"];
    assert_eq!(errors[0]["pointer"], "idempotency-key", "{errors}");
    assert!(errors[0]["detail"].as_str().unwrap().contains("without a comma"), "{errors}");
    assert_eq!(shop.available("stoneware-mug").await, shop.stocked("stoneware-mug"));
}
