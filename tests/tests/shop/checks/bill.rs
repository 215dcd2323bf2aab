//! What each flow costs on AWS, in the units that AWS bills: pinned, so that a change that costs more is seen.

use std::time::Duration;

use e2e::{Calls, Options, Shop, eventually, needs, products, unique_key};
use serde_json::{Value, json};

/// `create-order TransactWriteItems r0 w5`. Reads are in half units.
fn line(call: &Value) -> String {
    let units = &call["units"];
    let text = |name: &str| call[name].as_str().unwrap().to_owned();
    match call["service"].as_str() {
        Some("sqs") => format!("{} {} {}", text("function"), text("operation"), call["sqs_requests"]),
        Some("web") => format!("{} {}", text("function"), text("operation")),
        _ => {
            let (reads, writes) = (&units["read_half_units"], &units["write_units"]);
            format!("{} {} r{reads} w{writes}", text("function"), text("operation"))
        }
    }
}

#[tokio::test]
async fn the_units_of_each_flow_are_as_docs_cost_md_says() {
    needs!(ControlPort);
    let shop = Shop::start_with(Options::unhurried()).await;
    let mut calls = Calls::of(&shop);

    shop.http.get("/products?limit=20").response().await;
    calls
        .are(
            "a page of 20 products",
            &["list-products BatchGetItem r20 w0", "list-products Query r5 w0"],
            line,
        )
        .await;
    shop.http.get("/products/stoneware-mug").response().await;
    calls.are("a product with its offer", &["get-product Query r1 w0"], line).await;

    let place = async |lines: &[(&str, i64)], token| {
        let id = shop.place(lines, token).await;
        // Without a function, so that only the flow's own calls are seen.
        shop.settle_quietly(&id).await;
        id
    };
    let id = place(&[("stoneware-mug", 1)], "tok_visa").await;
    calls
        .are(
            "a cold order of one product, paid",
            &[
                "create-order BatchGetItem r2 w0",
                "create-order TransactWriteItems r0 w5",
                "request-payments SendMessageBatch 1",
                "process-payment GetItem r2 w0",
                "process-payment POST /v1/payment_intents",
                "process-payment UpdateItem r0 w1",
                "process-payment POST /v1/payment_intents/*/confirm",
                "process-payment TransactWriteItems r0 w5",
            ],
            line,
        )
        .await;
    place(&[("stoneware-mug", 1), ("record-brush", 2)], "tok_declined").await;
    calls
        .are(
            "an order of two products, one of them known, declined",
            &[
                "create-order BatchGetItem r2 w0",
                "create-order TransactWriteItems r0 w7",
                "request-payments SendMessageBatch 1",
                "process-payment GetItem r2 w0",
                "process-payment POST /v1/payment_intents",
                "process-payment UpdateItem r0 w1",
                "process-payment POST /v1/payment_intents/*/confirm",
                "process-payment TransactWriteItems r0 w9",
            ],
            line,
        )
        .await;
    shop.http.get(&format!("/orders/{id}")).response().await;
    calls.are("a look at an order", &["get-order GetItem r2 w0"], line).await;
    shop.cancel(&id).response().await;
    calls
        .are(
            "a paid order of one product, cancelled and refunded",
            &[
                "cancel-order GetItem r2 w0",
                "cancel-order TransactWriteItems r0 w5",
                "request-payments SendMessageBatch 1",
                "process-payment GetItem r2 w0",
                "process-payment POST /v1/refunds",
                "process-payment TransactWriteItems r0 w5",
            ],
            line,
        )
        .await;
    let out_of_stock = shop.order(&[("titanium-stove", 2)], "tok_visa").response().await;
    assert_eq!(out_of_stock.status, 409);
    calls
        .are(
            "an order that is refused costs its writes, and none in the index",
            &["create-order BatchGetItem r2 w0", "create-order TransactWriteItems r0 w4"],
            line,
        )
        .await;
    shop.settle().await;
}

/// What docs/cost.md says of attacks rests on these.
#[tokio::test]
async fn the_dearest_requests_take_the_units_that_docs_cost_md_says() {
    needs!(ControlPort);
    let shop = Shop::start_with(Options::unhurried()).await;
    let mut calls = Calls::of(&shop);
    shop.http.get("/products?limit=100").response().await;
    let page = ["list-products BatchGetItem r100 w0", "list-products Query r23 w0"];
    calls.are("a page of 100 products", &page, line).await;
    shop.http.get("/categories").response().await;
    calls.are("the categories of 100 products", &["list-categories Query r23 w0"], line).await;

    let fifty: Vec<_> = products().iter().filter(|product| product["available"] != 0).take(50).collect();
    let fifty: Vec<_> = fifty.iter().map(|product| (product["product_id"].as_str().unwrap(), 1)).collect();
    shop.set_faults(&json!({"rules": [{"fault": "conflict", "caller": "create-order"}]})).await;
    assert_eq!(shop.keyed_order(&fifty, "tok_visa").first_response().await.status, 503);
    let conflicts = [
        "create-order BatchGetItem r100 w0",
        "create-order GetItem r2 w0",
        "create-order TransactWriteItems r0 w102",
        "create-order TransactWriteItems r0 w102",
    ];
    calls.are("50 lines that conflict twice", &conflicts, line).await;
    shop.clear_faults().await;
    assert_eq!(shop.keyed_order(&fifty, "tok_visa").response().await.status, 201);
    shop.settle().await;
    let order = calls.take(1).await;
    let order: Vec<_> = order.iter().filter(|call| call["function"] == "create-order").map(line).collect();
    assert_eq!(order, ["create-order TransactWriteItems r0 w111"]);
}

#[tokio::test]
async fn the_bill_divides_by_orders_and_counts_requests_and_cold_starts() {
    needs!(ControlPort);
    let shop = Shop::start_with(Options::unhurried()).await;
    for _ in 0..2 {
        let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
        shop.ended(&id).await;
    }
    // A request that is repeated costs something, and makes no order.
    let key = unique_key();
    let again = || shop.order(&[("stoneware-mug", 1)], "tok_visa").header("idempotency-key", &key);
    assert_eq!((again().response().await.status, again().response().await.status), (201, 200));
    let bill = eventually(Duration::from_secs(10), || async {
        let bill = shop.control.get("/_local/bill").response().await.json();
        let functions = bill["bill"]["functions"].as_array().unwrap().clone();
        let writes = |name: &str| {
            let function = functions.iter().find(|function| function["name"] == name);
            function.map(|function| function["units"]["write_units"].clone())
        };
        let counted = (writes("create-order"), writes("process-payment"));
        if counted == (Some(19.into()), Some(18.into())) { Ok(bill) } else { Err(counted) }
    })
    .await;
    assert_eq!((&bill["per"]["name"], &bill["per"]["price"]["units"]), (&"order".into(), &3.into()));
    let route =
        bill["bill"]["routes"].as_array().unwrap().iter().find(|route| route["route"] == "POST /orders");
    assert_eq!(route.unwrap()["requests"], 4);
    let dollars = |amount: &Value| amount.as_str().unwrap().parse::<f64>().unwrap();
    let (one, total) = (dollars(&bill["per"]["price"]["one"]), dollars(&bill["bill"]["total"]["total"]));
    assert!(one > 0.0 && (one * 3.0 - total).abs() < 1e-11, "{one} {total}");
    assert!(dollars(&bill["bill"]["total"]["cold_start"]) > 0.0);
    assert!(dollars(&bill["bill"]["total"]["total_x86_64"]) > dollars(&bill["bill"]["total"]["total_arm64"]));
    let create = &bill["bill"]["functions"][0];
    assert_eq!(
        (&create["name"], &create["invocations"], &create["cold_starts"]),
        (&"create-order".into(), &4.into(), &1.into())
    );
    assert!(create["log_bytes"].as_u64().unwrap() > 1000, "{create}");
}
