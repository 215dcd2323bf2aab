//! Cancellations that meet payments, crashes and each other: each order still ends in exactly one state.

use std::time::{Duration, Instant};

use e2e::{Calls, Options, Shop, children, eventually, kill_nine, needs};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::routes::orders_id_cancel::{cancelled, statuses};

/// A killed payment comes again after its visibility timeout, two seconds in tests.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

const TOKENS: [&str; 4] = ["tok_visa", "tok_visa", "tok_declined", "tok_flaky"];

#[tokio::test]
async fn a_payment_that_is_under_way_cannot_confirm_what_was_cancelled() {
    needs!(OwnStack, Tables);
    let shop = Shop::start_with(Options::unhurried()).await;
    let mut calls = Calls::of(&shop);
    for round in 1.. {
        // The provider charges the order, and its settlement takes long enough for the cancellation to come in between.
        let late = json!({"fault": {"delay": {"ms": 1500}}, "caller": "process-payment",
            "operation": "TransactWriteItems", "times": 1});
        shop.set_faults(&json!({"rules": [late]})).await;
        let id = shop.place(&[("stoneware-mug", 3)], "tok_visa").await;
        eventually(SETTLED_WITHIN, || async {
            let state = shop.snapshot().await.ledger.get(&id).map(|entry| entry.state.clone());
            if state.as_deref() == Some("captured") { Ok(()) } else { Err(state) }
        })
        .await;
        let seen = cancelled(&shop.cancel(&id).response().await);
        // Neither is over before both have been written or refused: the settlement, and what notes the refund.
        let ours = |call: &&Value| {
            call["function"] == "process-payment" && call["operation"] == "TransactWriteItems"
        };
        let mut written = 0;
        while written < 2 {
            written += calls.take(1).await.iter().filter(ours).count();
        }
        let snapshot = shop.settle().await;
        assert_eq!((snapshot.count("CANCELLED"), snapshot.available["stoneware-mug"]), (round, 240));
        if statuses(&seen) == ["PENDING", "CANCELLED"] {
            return;
        }
        // On a busy machine the settlement may be first.
        assert!(round < 10, "no cancellation came before the settlement: {seen}");
    }
}

#[tokio::test]
async fn a_cancellation_whose_conflicts_last_is_503_within_seconds_and_changes_nothing() {
    needs!(OwnStack, ControlPort, Tables);
    let shop = Shop::start_with(Options::unhurried()).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    let paid = shop.ended(&id).await;
    shop.set_faults(&json!({"rules": [{"fault": "conflict", "caller": "cancel-order"}]})).await;
    let began = Instant::now();
    let response = shop.cancel(&id).first_response().await;
    assert_eq!((response.status, response.header("retry-after")), (503, "1"), "{response:?}");
    // Its function's timeout is ten. The machine may be busy.
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    shop.clear_faults().await;
    assert_eq!(shop.get_order(&id).await, paid);
    cancelled(&shop.cancel(&id).response().await);
    shop.settle().await;
}

#[tokio::test]
async fn cancelling_while_paying_ends_in_exactly_one_state_and_the_charge_agrees() {
    needs!(OwnStack, Tables);
    // Time enough that a busy machine is no outage of the provider: this is about who wins, not about retries.
    let parameters =
        [("PaymentLatencyMs", "0..150"), ("PaymentTimeoutMs", "3000"), ("PaymentVisibilitySeconds", "20")];
    let parameters = parameters.map(|(name, value)| (name, value.to_owned())).to_vec();
    let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
    let tokens = TOKENS.into_iter().flat_map(|token| [token; 3]).cycle();
    let rounds = (0..36).zip(tokens).map(|(number, token)| {
        let shop = &shop;
        async move {
            let id = shop.place(&[("stoneware-mug", 1), ("record-brush", 1)], token).await;
            match number % 3 {
                // At once, ...
                0 => {}
                // ... in the middle of the payment, ...
                1 => tokio::time::sleep(Duration::from_millis(number * 15)).await,
                // ... and after it.
                _ => _ = shop.ended_within(&id, SETTLED_WITHIN).await,
            }
            let response = shop.cancel(&id).response().await;
            (id, response)
        }
    });
    let responses = join_all(rounds).await;
    let snapshot = shop.settle_within(SETTLED_WITHIN).await;
    let mut ends = [0, 0, 0];
    for (id, response) in &responses {
        let order = &snapshot.orders[id];
        match response.status {
            200 => assert_eq!(order.status, "CANCELLED", "{id}: {response:?}"),
            409 => assert_eq!(order.status, "PAYMENT_FAILED", "{id}: {response:?}"),
            _ => panic!("{id}: {response:?}"),
        }
        match (order.status.as_str(), order.history.len()) {
            ("CANCELLED", 2) => ends[0] += 1,
            ("CANCELLED", _) => ends[1] += 1,
            _ => ends[2] += 1,
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "no race at all: before, after, failed: {ends:?}");
    assert_eq!((snapshot.available["stoneware-mug"], snapshot.available["record-brush"]), (240, 260));
}

#[tokio::test]
async fn cancellations_survive_kills_of_every_function_on_their_way() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let victims = ["cancel-order", "request-payments", "process-payment"];
    let killer = async {
        let mut kills = 0;
        // Kills stop at a number, so that the shop gets to its end.
        while kills < 18 {
            for (id, _) in
                children(shop.process_id()).into_iter().filter(|(_, name)| victims.contains(&name.as_str()))
            {
                kill_nine(id);
                kills += 1;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let buyers = join_all((0..24u64).map(|number| {
        let shop = &shop;
        async move {
            let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
            tokio::time::sleep(Duration::from_millis(number * 15)).await;
            // A killed function is the gateway's 500; the order may or may not be cancelled. Ask again.
            cancelled(&shop.cancel(&id).definite_response().await);
        }
    }));
    tokio::join!(buyers, killer);
    let snapshot = shop.settle_within(SETTLED_WITHIN).await;
    assert_eq!(snapshot.count("CANCELLED"), 24);
    assert_eq!(snapshot.available["stoneware-mug"], 240);
}
