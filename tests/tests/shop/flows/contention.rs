//! Many clients, few pieces.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use e2e::{Backend, Calls, Options, Request, Shop, eventually, needs};
use futures_util::future::join_all;
use serde_json::json;

/// Of hundreds of orders, on a machine that has much else to do.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// How many of the orders were made, and how many refused with 409; there is no third way.
async fn made_and_refused(tries: impl IntoIterator<Item = Request>) -> (usize, usize) {
    let responses = join_all(tries.into_iter().map(Request::response)).await;
    let unexpected: Vec<_> =
        responses.iter().filter(|response| !response.made() && response.status != 409).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    let made = responses.iter().filter(|response| response.made()).count();
    (made, responses.len() - made)
}

#[tokio::test]
async fn two_hundred_clients_order_the_last_fifty_units_and_fifty_get_one() {
    needs!(Tables);
    let shop = Shop::start().await;
    let tries = (0..200).map(|_| shop.keyed_order(&[("hand-coffee-grinder", 1)], "tok_visa"));
    assert_eq!(made_and_refused(tries).await, (50, 150));
    let snapshot = shop.settle_within(SETTLED_WITHIN).await;
    assert_eq!((snapshot.count("CONFIRMED"), snapshot.available["hand-coffee-grinder"]), (50, 0));
}

#[tokio::test]
async fn orders_of_the_same_products_in_opposite_orders_all_come_through() {
    let shop = Shop::start().await;
    let pair = [("stoneware-mug", 1), ("record-brush", 1)];
    let reverse = [pair[1], pair[0]];
    let tries = (0..40).map(|n| shop.keyed_order(if n % 2 == 0 { &pair } else { &reverse }, "tok_visa"));
    assert_eq!(made_and_refused(tries).await, (40, 0));
    let snapshot = shop.settle_within(SETTLED_WITHIN).await;
    for product in ["stoneware-mug", "record-brush"] {
        assert_eq!(snapshot.available[product], shop.stocked(product) - 40, "{product}");
    }
}

#[tokio::test]
async fn five_hundred_clients_on_a_hot_product_sell_exactly_its_stock() {
    needs!(OwnStack, ControlPort, Tables);
    let shop = Shop::start().await;
    let tries = (0..500).map(|_| shop.keyed_order(&[("hand-coffee-grinder", 2)], "tok_visa"));
    assert_eq!(made_and_refused(tries).await, (25, 475));
    let snapshot = shop.settle_within(SETTLED_WITHIN).await;
    assert_eq!((snapshot.count("CONFIRMED"), snapshot.available["hand-coffee-grinder"]), (25, 0));
}

#[tokio::test]
async fn conflicts_as_aws_raises_them_are_retried_until_all_come_through() {
    needs!(OwnStack, ControlPort, Tables);
    let shop = Shop::start().await;
    shop.set_faults(&json!({"rules": [{"fault": "overlap"}]})).await;
    let pair = [("stoneware-mug", 1), ("record-brush", 1)];
    let reverse = [pair[1], pair[0]];
    // As many as sell within the three seconds in which conflicts are retried, with a margin for a busy machine.
    let tries = (0..24).map(|n| shop.keyed_order(if n % 2 == 0 { &pair } else { &reverse }, "tok_visa"));
    assert_eq!(made_and_refused(tries).await, (24, 0));
    // Here the function's own retries must do. On DynamoDB Local with one core for everything they did not always.
    if Backend::current() == Backend::Embedded {
        assert!(!shop.log().contains("a transaction keeps conflicting"), "a client had to ask again");
    }
    let struck = shop.faults().await[0]["struck"].as_u64().unwrap();
    assert!(struck > 24, "the rule applied to every write: {struck}");
    let conflicts = shop.control.get("/_local/calls").response().await.json();
    let conflicts = conflicts["calls"].as_array().unwrap().iter();
    let conflicts = conflicts.filter(|call| call["error_type"] == "TransactionCanceledException").count();
    assert!(conflicts > 0, "nothing overlapped: this proves nothing");
    let snapshot = shop.settle_within(SETTLED_WITHIN).await;
    assert_eq!(snapshot.count("CONFIRMED"), 24);
}

/// Conflicts that do not end: the order with one line is tried as often as there is time for, the one with fifty only twice.
#[tokio::test]
async fn conflicts_that_last_are_503_within_seconds_and_sooner_the_more_lines_an_order_has() {
    needs!(OwnStack, ControlPort, Tables);
    let shop = Shop::start_with(Options::unhurried()).await;
    let fifty: Vec<_> = e2e::products().iter().filter(|product| product["available"] != 0).take(50).collect();
    let fifty: Vec<_> = fifty.iter().map(|product| (product["product_id"].as_str().unwrap(), 1)).collect();
    shop.set_faults(&json!({"rules": [{"fault": "conflict", "caller": "create-order"}]})).await;
    let mut calls = Calls::of(&shop);
    let mut attempts = Vec::new();
    // One line: the prices, five attempts or more, and the look for an order of before. Fifty: two attempts.
    for (lines, least) in [(&[("stoneware-mug", 1)][..], 7), (&fifty, 4)] {
        let began = Instant::now();
        let response = shop.keyed_order(lines, "tok_visa").first_response().await;
        assert_eq!((response.status, response.header("retry-after")), (503, "1"), "{response:?}");
        // It was ten, create-order's timeout. The machine may be busy.
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
        let calls = calls.take(least).await;
        attempts.push(calls.iter().filter(|call| call["operation"] == "TransactWriteItems").count());
    }
    assert!(attempts[0] >= 5 && attempts[1] == 2, "{attempts:?}");
    shop.clear_faults().await;
    assert_eq!(shop.keyed_order(&fifty, "tok_visa").response().await.status, 201, "nothing is left behind");
    shop.settle().await;
}

#[tokio::test]
async fn what_is_restocked_while_it_sells_is_sold_and_no_more() {
    needs!(OwnStack, ControlPort, Tables);
    let shop = Shop::start().await;
    let restocked = AtomicBool::new(false);
    let restock = async {
        for _ in 0..10 {
            shop.restock("titanium-stove", 3).await;
        }
        restocked.store(true, Ordering::SeqCst);
    };
    let buyers = join_all((0..60).map(|_| async {
        // A customer who comes back until there is something, or nothing will come any more.
        loop {
            let last = restocked.load(Ordering::SeqCst);
            match made_and_refused([shop.keyed_order(&[("titanium-stove", 1)], "tok_visa")]).await {
                (1, _) => return 1,
                _ if last => return 0,
                _ => {}
            }
        }
    }));
    let (sold, ()) = tokio::join!(buyers, restock);
    // One was there, and thirty came.
    assert_eq!(sold.iter().sum::<i32>(), 31);
    let snapshot = shop.ended_with_restock("titanium-stove", 30).await;
    assert_eq!((snapshot.count("CONFIRMED"), snapshot.available["titanium-stove"]), (31, 0));
}

#[tokio::test]
async fn what_a_failed_payment_gives_back_can_be_sold_again() {
    needs!(Tables);
    let shop = Shop::start().await;
    let lost = shop.place(&[("titanium-stove", 1)], "tok_declined").await;
    let won = eventually(SETTLED_WITHIN, || async {
        let response = shop.keyed_order(&[("titanium-stove", 1)], "tok_visa").response().await;
        match response.status {
            _ if response.made() => Ok(response.json()["order_id"].as_str().unwrap().to_owned()),
            409 => Err("the only one is held until the payment has failed"),
            other => panic!("{other}: {response:?}"),
        }
    })
    .await;
    assert_eq!(shop.get_order(&lost).await["status"], "PAYMENT_FAILED", "it was sold while it was held");
    assert_eq!(shop.ended(&won).await["status"], "CONFIRMED");
    shop.settle().await;
}
