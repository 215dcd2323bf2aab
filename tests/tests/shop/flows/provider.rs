//! The payment provider beside the shop: charges that come too late, a simulator that remembers, the simulation inside
//! the functions, and a key that nobody sees.

use std::time::Duration;

use e2e::{Options, Shop, eventually, needs};

/// `tok_late` is charged three seconds after it was asked, whether or not anybody still waits.
const LANDED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_charge_that_comes_after_the_refund_is_refused() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = cancelled_before_the_charge(&shop).await;
    // The charge arrives when everything is over, and comes to nothing.
    let snapshot = eventually(LANDED_WITHIN, || async {
        let snapshot = shop.snapshot().await;
        if snapshot.ledger[&id].refused > 0 {
            Ok(snapshot)
        } else {
            Err("no charge came late: this proves nothing")
        }
    })
    .await;
    assert_eq!(snapshot.ledger[&id].state, "voided");
    snapshot.check(true).unwrap();
}

/// An order whose refund came before its charge: on a busy machine, some come too late.
async fn cancelled_before_the_charge(shop: &Shop) -> String {
    for _ in 0..10 {
        let id = shop.place(&[("stoneware-mug", 1)], "tok_late").await;
        // As soon as the provider may have the charge on its way.
        shop.intent_stored(&id).await;
        assert_eq!(shop.cancel(&id).response().await.status, 200);
        let snapshot = shop.settle().await;
        match (snapshot.ledger[&id].state.as_str(), snapshot.payments[&id].as_str()) {
            ("voided", "VOIDED") => return id,
            ("refunded", "REFUNDED") => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("no refund came before its charge");
}

#[tokio::test]
async fn the_simulation_inside_the_functions_keeps_the_same_promises() {
    needs!(OwnStack, Tables);
    // What a demo deployment runs: no simulator beside it, the ledger in a table.
    let parameters = vec![("PaymentProviderUrl", String::new())];
    let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
    assert!(shop.ready["payment_provider"].is_null());
    let (paid, declined, flaky, cancelled) = tokio::join!(
        shop.place(&[("stoneware-mug", 1)], "tok_visa"),
        shop.place(&[("stoneware-mug", 1)], "tok_declined"),
        shop.place(&[("stoneware-mug", 1)], "tok_flaky"),
        shop.place(&[("stoneware-mug", 1)], "tok_visa")
    );
    assert_eq!(shop.cancel(&cancelled).response().await.status, 200);
    assert_eq!(shop.ended(&declined).await["status"], "PAYMENT_FAILED");
    assert_eq!(shop.ended(&flaky).await["status"], "CONFIRMED");
    assert_eq!(shop.ended(&paid).await["status"], "CONFIRMED");
    assert_eq!(shop.cancel(&paid).response().await.status, 200);
    let snapshot = shop.settle().await;
    assert_eq!(
        (snapshot.ledger[&paid].state.as_str(), snapshot.payments[&paid].as_str()),
        ("refunded", "REFUNDED")
    );
    assert_eq!(snapshot.available["stoneware-mug"], 239);
}

#[tokio::test]
async fn no_line_of_any_log_holds_the_providers_key() {
    needs!(OwnStack, Tables);
    let options = Options {
        parameters: vec![("LogLevel", "debug".to_owned())],
        flags: vec!["--verbose".to_owned(), "--log-format".to_owned(), "json".to_owned()],
        ..Options::default()
    };
    let shop = Shop::start_with(options).await;
    for token in ["tok_visa", "tok_declined", "tok_flaky"] {
        let id = shop.place(&[("stoneware-mug", 1)], token).await;
        shop.ended_within(&id, LANDED_WITHIN).await;
        shop.cancel(&id).response().await;
    }
    let log = shop.log();
    assert!(
        log.contains("DEBUG") && log.contains("process-payment"),
        "nothing was logged: this proves nothing"
    );
    assert!(!log.contains("sk_test_"), "the key is in the log");
    shop.settle_within(LANDED_WITHIN).await;
}
