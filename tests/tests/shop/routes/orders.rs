//! `POST /orders`

use std::time::Duration;

use e2e::{Options, Shop, children, eventually, kill_nine, needs, unique_key};
use serde_json::json;

#[tokio::test]
async fn an_order_is_made_confirmed_and_answered_whole() {
    let shop = Shop::start().await;
    let response = shop.order(&[("stoneware-mug", 2), ("record-brush", 1)], "tok_visa").response().await;
    assert_eq!(response.status, 201);
    let order = response.json();
    let id = order["order_id"].as_str().unwrap();
    assert_eq!(response.header("location"), format!("/orders/{id}"));
    insta::assert_json_snapshot!("order_made", order, {
        ".order_id" => "[id]", ".created_at" => "[time]", ".updated_at" => "[time]", ".history[].at" => "[time]",
    });
    insta::assert_json_snapshot!("order_confirmed", shop.ended(id).await, {
        ".order_id" => "[id]", ".created_at" => "[time]", ".updated_at" => "[time]", ".history[].at" => "[time]",
    });
    assert_eq!(shop.available("stoneware-mug").await, shop.stocked("stoneware-mug") - 2);
    shop.settle().await;
}

#[tokio::test]
async fn a_replay_answers_the_same_order_and_takes_no_stock() {
    let shop = Shop::start().await;
    let key = unique_key();
    let order = || shop.order(&[("stoneware-mug", 2)], "tok_visa").header("idempotency-key", &key);
    let first = order().response().await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""));
    let id = first.json()["order_id"].clone();
    shop.ended(id.as_str().unwrap()).await;

    let again = order().response().await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"));
    assert_eq!((&again.json()["order_id"], &again.json()["status"]), (&id, &json!("CONFIRMED")));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(shop.settle().await.orders.len(), 1);
}

#[tokio::test]
async fn a_replay_is_answered_even_when_its_own_sale_emptied_the_shelf() {
    needs!(Tables);
    let shop = Shop::start().await;
    let key = unique_key();
    let order = || shop.order(&[("titanium-stove", 1)], "tok_visa").header("idempotency-key", &key);
    assert_eq!(order().response().await.status, 201);
    assert_eq!(shop.available("titanium-stove").await, 0);
    assert_eq!(order().response().await.status, 200);
    shop.settle().await;
}

#[tokio::test]
async fn a_replay_is_answered_even_when_its_product_has_left_the_catalogue() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let key = unique_key();
    let order = || shop.order(&[("titanium-stove", 1)], "tok_visa").header("idempotency-key", &key);
    let id = order().response().await.json()["order_id"].as_str().unwrap().to_owned();
    shop.ended(&id).await;
    shop.settle().await;
    shop.discontinue("titanium-stove").await;
    // Whatever the function remembers of it.
    for (id, _) in children(shop.process_id()).into_iter().filter(|(_, name)| name == "create-order") {
        kill_nine(id);
    }
    let again = eventually(Duration::from_secs(10), || async {
        let response = order().response().await;
        if response.status == 500 { Err(response) } else { Ok(response) }
    })
    .await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"), "{again:?}");
    assert_eq!(shop.keyed_order(&[("titanium-stove", 1)], "tok_visa").response().await.status, 404);
}

#[tokio::test]
async fn many_replays_at_once_make_one_order() {
    let shop = Shop::start().await;
    let key = unique_key();
    let tries = (0..24)
        .map(|_| shop.order(&[("stoneware-mug", 3)], "tok_visa").header("idempotency-key", &key).response());
    let responses = futures_util::future::join_all(tries).await;
    assert_eq!(responses.iter().filter(|response| response.status == 201).count(), 1, "{responses:?}");
    assert_eq!(responses.iter().filter(|response| response.status == 200).count(), 23);
    let snapshot = shop.settle().await;
    assert_eq!(
        (snapshot.orders.len(), snapshot.available["stoneware-mug"]),
        (1, shop.stocked("stoneware-mug") - 3)
    );
}

#[tokio::test]
async fn a_key_with_another_body_is_422_and_another_customer_has_keys_of_their_own() {
    let shop = Shop::start().await;
    let key = unique_key();
    let keyed = |request: e2e::Request| request.header("idempotency-key", &key);
    assert_eq!(keyed(shop.order(&[("stoneware-mug", 1)], "tok_visa")).response().await.status, 201);
    for other in
        [shop.order(&[("stoneware-mug", 2)], "tok_visa"), shop.order(&[("stoneware-mug", 1)], "tok_amex")]
    {
        let response = keyed(other).response().await;
        assert_eq!((response.status, response.problem().as_deref()), (422, Some("idempotency-key-reused")));
    }
    let another = format!("another-{}", shop.customer());
    let order = shop.order_as(&another, &[("stoneware-mug", 1)], "tok_visa");
    assert_eq!(keyed(order).response().await.status, 201);
    assert_eq!(shop.settle().await.orders.len(), 2);
}

#[tokio::test]
async fn lines_of_one_product_are_summed() {
    let shop = Shop::start().await;
    let order = shop
        .order(&[("stoneware-mug", 2), ("record-brush", 1), ("stoneware-mug", 3)], "tok_visa")
        .response()
        .await
        .json();
    let quantities: Vec<_> =
        order["items"].as_array().unwrap().iter().map(|line| line["quantity"].clone()).collect();
    assert_eq!(quantities, [json!(5), json!(1)]);

    // Each line alone could be filled, both together cannot.
    let both = shop.keyed_order(&[("titanium-stove", 1), ("titanium-stove", 1)], "tok_visa").response().await;
    assert_eq!((both.status, both.problem().as_deref()), (409, Some("out-of-stock")));
    assert_eq!(
        both.json()["out_of_stock"],
        json!([{"product_id": "titanium-stove", "requested": 2, "available": shop.stocked("titanium-stove")}])
    );
    let over = shop
        .order(&[("retractable-gel-pens", 11), ("retractable-gel-pens", 10)], "tok_visa")
        .response()
        .await;
    assert_eq!((over.status, over.json()["errors"][0]["pointer"].as_str()), (400, Some("/items/1/quantity")));
    shop.settle().await;
}

#[tokio::test]
async fn fifty_products_are_one_order_all_or_nothing() {
    let shop = Shop::start().await;
    let page = shop.http.get("/products?limit=100").response().await.json();
    let items = page["items"].as_array().unwrap().iter();
    let there = items.filter(|item| item["available"].as_i64().unwrap() >= 2);
    let ids: Vec<_> = there.map(|item| item["product_id"].as_str().unwrap().to_owned()).take(50).collect();
    let mut lines: Vec<_> = ids.iter().map(|id| (id.as_str(), 1)).collect();
    assert_eq!(shop.keyed_order(&lines, "tok_visa").response().await.status, 201);
    let before = shop.settle().await;

    lines[49] = ("ramen-bowl", 1);
    let response = shop.keyed_order(&lines, "tok_visa").response().await;
    assert_eq!(response.status, 409);
    assert_eq!(shop.snapshot().await, before, "nothing is taken when one line cannot be filled");
}

#[tokio::test]
async fn refusals_say_what_and_where() {
    let shop = Shop::start().await;
    let sold_out = shop.keyed_order(&[("stoneware-mug", 1), ("ramen-bowl", 2)], "tok_visa").response().await;
    assert_eq!(sold_out.status, 409);
    insta::assert_json_snapshot!("out_of_stock", sold_out.json(), {".instance" => "[request id]"});
    let unknown =
        shop.keyed_order(&[("stoneware-mug", 1), ("no-such-product", 2)], "tok_visa").response().await;
    assert_eq!(unknown.status, 404);
    insta::assert_json_snapshot!("unknown_product", unknown.json(), {".instance" => "[request id]"});
    assert!(shop.settle().await.orders.is_empty());
}

#[tokio::test]
async fn a_changed_price_is_charged_as_it_is_now() {
    needs!(Tables);
    let shop = Shop::start().await;
    let total = |order: serde_json::Value| order["total"]["amount"].as_i64();
    // The function remembers this price ...
    let first = shop.keyed_order(&[("stoneware-mug", 1)], "tok_visa").response().await;
    assert_eq!(total(first.json()), Some(1800));
    shop.raise_price("stoneware-mug", 200).await;
    // ... and does not use it.
    let second = shop.keyed_order(&[("stoneware-mug", 1)], "tok_visa").response().await;
    assert_eq!((second.status, total(second.json())), (201, Some(2000)));
    shop.settle().await;
}

#[tokio::test]
async fn an_order_costs_no_more_than_it_may() {
    needs!(OwnStack, Tables);
    let parameters = vec![("MaxOrderValue", "3600".to_owned())];
    let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
    let key = unique_key();
    let order = |pieces| shop.order(&[("stoneware-mug", pieces)], "tok_visa");
    assert_eq!(order(2).header("idempotency-key", &key).response().await.status, 201);
    let response = order(3).response().await;
    assert_eq!((response.status, response.problem().as_deref()), (400, Some("invalid-request")));
    let error =
        json!({"pointer": "/items", "detail": "must cost at most 3600 in minor units of USD, not 5400"});
    assert_eq!(response.json()["errors"], json!([error]));
    shop.raise_price("stoneware-mug", 1).await;
    let replay = order(2).header("idempotency-key", &key).response().await;
    assert_eq!(replay.status, 200, "what was made within the limit is answered: {replay:?}");
    assert_eq!(shop.settle().await.available["stoneware-mug"], shop.stocked("stoneware-mug") - 2);
}
