//! Function processes that are killed while orders flow: every order still reaches its end.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use e2e::{Options, Shop, children, eventually, exists, kill_nine, needs};
use futures_util::future::join_all;
use serde_json::json;

/// Orders with all kinds of payments.
const ORDERS: usize = 40;
/// A killed payment comes again after its visibility timeout, two seconds in tests.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// A killed function is the gateway's 500; an order may or may not have been made. The same key makes one in the end.
/// A payment that the provider never answers is in the dead-letter queue from the start.
async fn order_until_clear(shop: &Shop, token: &str) {
    let response =
        shop.keyed_order(&[("stoneware-mug", 1), ("record-brush", 2)], token).definite_response().await;
    assert!(response.made(), "{response:?}");
    if token == "tok_unavailable" {
        let order_id = response.json()["order_id"].clone();
        shop.send("PaymentsDeadLetterQueue", json!({"order_id": order_id})).await;
    }
}

async fn survives(victim: &str) {
    let tokens = ["tok_visa", "tok_visa", "tok_declined", "tok_flaky"];
    survives_with(victim, &tokens, ORDERS, Options::default()).await;
}

async fn survives_with(victim: &str, tokens: &[&str], orders: usize, options: Options) {
    let shop = Shop::start_with(options).await;
    let (over, kills) = (AtomicBool::new(false), AtomicUsize::new(0));
    let killer = async {
        // Kills stop at a number, so that the shop gets to its end.
        while !over.load(Ordering::SeqCst) && kills.load(Ordering::SeqCst) < 12 {
            for (id, _) in children(shop.process_id()).into_iter().filter(|(_, name)| name == victim) {
                kill_nine(id);
                kills.fetch_add(1, Ordering::SeqCst);
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    };
    let buyers = async {
        for wave in 0..orders / 8 {
            let numbers = (0..8).map(|n| wave * 8 + n);
            join_all(numbers.map(|number| order_until_clear(&shop, tokens[number % tokens.len()]))).await;
        }
        let snapshot = shop.settle_within(SETTLED_WITHIN).await;
        over.store(true, Ordering::SeqCst);
        snapshot
    };
    let (snapshot, ()) = tokio::join!(buyers, killer);
    assert!(kills.load(Ordering::SeqCst) > 0, "nothing was killed: this proves nothing");
    assert_eq!(snapshot.orders.len(), orders, "each key made one order");
}

#[tokio::test]
async fn orders_survive_kills_of_create_order() {
    needs!(OwnStack);
    survives("create-order").await;
}

#[tokio::test]
async fn orders_survive_kills_of_request_payments() {
    needs!(OwnStack);
    survives("request-payments").await;
}

#[tokio::test]
async fn orders_survive_kills_of_process_payment() {
    needs!(OwnStack);
    survives("process-payment").await;
}

#[tokio::test]
async fn orders_survive_kills_of_fail_payment() {
    needs!(OwnStack);
    let parameters = vec![("PaymentMaxAgeSeconds", "1".to_owned())];
    let options = Options { parameters, ..Options::default() };
    survives_with("fail-payment", &["tok_unavailable"], 8, options).await;
}

#[tokio::test]
async fn a_killed_reader_is_replaced() {
    needs!(OwnStack);
    let shop = Shop::start().await;
    assert_eq!(shop.http.get("/products").response().await.status, 200);
    let readers: Vec<_> =
        children(shop.process_id()).into_iter().filter(|(_, name)| name == "list-products").collect();
    assert_eq!(readers.len(), 1, "one idle environment is reused");
    kill_nine(readers[0].0);
    eventually(Duration::from_secs(10), || async {
        if exists(readers[0].0) { Err("it is still there") } else { Ok(()) }
    })
    .await;
    assert_eq!(shop.http.get("/products").response().await.status, 200);
}
