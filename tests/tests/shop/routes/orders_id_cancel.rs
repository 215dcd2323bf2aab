//! `POST /orders/{id}/cancel`, and what follows it: the stock comes back at once, the money a moment later.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue::{L, M, S};
use e2e::{Answer, Calls, NO_ORDER, Options, Shop, children, eventually, kill_nine, needs};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// A killed payment comes again after its visibility timeout, two seconds in tests, up to five times.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

const TOKENS: [&str; 4] = ["tok_visa", "tok_visa", "tok_declined", "tok_flaky"];

fn statuses(order: &Value) -> Vec<&str> {
    order["history"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect()
}

fn cancelled(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let order = answer.json();
    assert_eq!(order["status"], "CANCELLED", "{order}");
    order
}

#[tokio::test]
async fn a_pending_order_is_cancelled_and_nothing_stays_charged() {
    needs!(OwnStack, Tables);
    let shop = Shop::start_with(Options::unhurried()).await;
    // The payment cannot come first.
    let down = json!({"fault": {"error": {"name": "InternalServerError"}}, "service": "web"});
    shop.set_faults(&json!({"rules": [down]})).await;
    let id = shop.place(&[("stoneware-mug", 3), ("record-brush", 1)], "tok_visa").await;
    let order = cancelled(&shop.cancel(&id).answer().await);
    assert_eq!(statuses(&order), ["PENDING", "CANCELLED"]);
    assert_eq!(order["history"][1]["reason"], "cancellation_requested");
    assert_eq!(order["updated_at"], order["history"][1]["at"]);
    assert_eq!(shop.look(&id).await, order, "what was answered is what is stored");
    assert_eq!((shop.available("stoneware-mug").await, shop.available("record-brush").await), (240, 260));
    shop.clear_faults().await;
    let books = shop.settle().await;
    assert_ne!(books.ledger.get(&id).map(|entry| entry.state.as_str()), Some("captured"));
    assert!(["VOIDED", "REFUNDED"].contains(&books.payments[&id].as_str()), "{books:?}");
}

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
            let state = shop.books().await.ledger.get(&id).map(|entry| entry.state.clone());
            if state.as_deref() == Some("captured") { Ok(()) } else { Err(state) }
        })
        .await;
        let seen = cancelled(&shop.cancel(&id).answer().await);
        // Neither is over before both have been written or refused: the settlement, and what notes the refund.
        let ours = |call: &&Value| {
            call["function"] == "process-payment" && call["operation"] == "TransactWriteItems"
        };
        let mut written = 0;
        while written < 2 {
            written += calls.take(1).await.iter().filter(ours).count();
        }
        let books = shop.settle().await;
        assert_eq!((books.count("CANCELLED"), books.available["stoneware-mug"]), (round, 240));
        if statuses(&seen) == ["PENDING", "CANCELLED"] {
            return;
        }
        // On a busy machine the settlement may be first.
        assert!(round < 10, "no cancellation came before the settlement: {seen}");
    }
}

#[tokio::test]
async fn a_confirmed_order_is_cancelled_through_a_refund() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 3)], "tok_visa").await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    assert_eq!(shop.available("stoneware-mug").await, 237);
    let order = cancelled(&shop.cancel(&id).answer().await);
    assert_eq!(statuses(&order), ["PENDING", "CONFIRMED", "CANCELLED"]);
    assert_eq!(shop.available("stoneware-mug").await, 240, "the stock is back at once");
    let books = shop.settle().await;
    assert_eq!((books.ledger[&id].state.as_str(), books.payments[&id].as_str()), ("refunded", "REFUNDED"));
}

#[tokio::test]
async fn cancelling_again_changes_nothing() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&id).await;
    let answers = join_all((0..8).map(|_| shop.cancel(&id).answer())).await;
    let first = cancelled(&answers[0]);
    for answer in &answers {
        assert_eq!(cancelled(answer), first);
    }
    let books = shop.settle().await;
    assert_eq!(cancelled(&shop.cancel(&id).answer().await), first);
    let record = json!({"messageId": "again", "receiptHandle": "again",
        "body": json!({"order_id": id}).to_string(), "attributes": {"ApproximateReceiveCount": "1"}});
    for function in ["process-payment", "fail-payment"] {
        let answer = shop.invoke(function, &json!({"Records": [record, record]})).await;
        assert_eq!(answer.json(), json!({"batchItemFailures": []}), "{function}");
    }
    assert_eq!(shop.settle().await, books, "stock or money moved twice");
}

#[tokio::test]
async fn a_failed_order_cannot_be_cancelled() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_declined").await;
    let failed = shop.ended(&id).await;
    let answer = shop.cancel(&id).answer().await;
    assert_eq!((answer.status, answer.problem().as_deref()), (409, Some("order-not-cancellable")));
    assert_eq!(answer.json()["order_status"], "PAYMENT_FAILED");
    assert_eq!(shop.look(&id).await, failed);
    shop.settle().await;
}

#[tokio::test]
async fn an_order_of_a_product_that_has_left_the_catalogue_is_cancelled_all_the_same() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("titanium-stove", 1), ("stoneware-mug", 3)], "tok_visa").await;
    shop.ended(&id).await;
    shop.discontinue("titanium-stove").await;
    cancelled(&shop.cancel(&id).answer().await);
    assert_eq!(shop.available("stoneware-mug").await, 240, "what can be given back is");
    assert_eq!(shop.http.get("/products/titanium-stove").answer().await.status, 404, "nothing made it anew");
    let books = eventually(SETTLED_WITHIN, || async {
        let books = shop.books().await;
        if books.orders[&id].indexed { Err("its refund is still due") } else { Ok(books) }
    })
    .await;
    assert_eq!(books.ledger[&id].state, "refunded");
}

#[tokio::test]
async fn what_is_no_order_cannot_be_cancelled() {
    needs!(Tables);
    let shop = Shop::start().await;
    for id in [NO_ORDER, "nonsense", "0197A000-0000-7000-8000-000000000000"] {
        let answer = shop.cancel(id).answer().await;
        assert_eq!((answer.status, answer.problem().as_deref()), (404, Some("order-not-found")), "{id}");
    }
}

#[tokio::test]
async fn a_get_cancels_nothing() {
    needs!(Gateway);
    let shop = Shop::start().await;
    assert_eq!(shop.http.get("/orders/nonsense/cancel").answer().await.status, 404);
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
            let answer = shop.cancel(&id).answer().await;
            (id, answer)
        }
    });
    let answers = join_all(rounds).await;
    let books = shop.settle_within(SETTLED_WITHIN).await;
    let mut ends = [0, 0, 0];
    for (id, answer) in &answers {
        let order = &books.orders[id];
        match answer.status {
            200 => assert_eq!(order.status, "CANCELLED", "{id}: {answer:?}"),
            409 => assert_eq!(order.status, "PAYMENT_FAILED", "{id}: {answer:?}"),
            _ => panic!("{id}: {answer:?}"),
        }
        match (order.status.as_str(), order.history.len()) {
            ("CANCELLED", 2) => ends[0] += 1,
            ("CANCELLED", _) => ends[1] += 1,
            _ => ends[2] += 1,
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "no race at all: before, after, failed: {ends:?}");
    assert_eq!((books.available["stoneware-mug"], books.available["record-brush"]), (240, 260));
}

#[tokio::test]
async fn a_refund_that_everything_lost_is_found_by_the_sweep() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&id).await;
    // As cancel-order leaves it, had its stream record and its message been lost an hour ago.
    let step = [("status", "CANCELLED"), ("at", "2026-11-21T08:15:30.123Z")];
    let step = step.map(|(name, text)| (name.to_owned(), S(text.to_owned())));
    let mut history = shop.stored(&id).await["history"].as_l().unwrap().clone();
    history.push(M(step.into()));
    shop.rewrite(&id, [("history", L(history))]).await;
    // By a detour, so that the stream has no record of PENDING or CONFIRMED becoming CANCELLED.
    shop.leave_due(&id, "LOST").await;
    shop.leave_due(&id, "CANCELLED").await;
    shop.restock("stoneware-mug", 1).await;
    shop.sweep().await;
    let books = shop.settle().await;
    assert_eq!(books.ledger[&id].state, "refunded");
}

#[tokio::test]
async fn cancellations_survive_kills_of_every_function_on_their_way() {
    needs!(OwnStack, Tables);
    let shop = Shop::start().await;
    let victims = ["cancel-order", "request-payments", "process-payment"];
    let killer = async {
        let mut kills = 0;
        // Kills stop at a number, so that the five receives of a message are not used up by them alone.
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
            cancelled(&shop.cancel(&id).clear_answer().await);
        }
    }));
    tokio::join!(buyers, killer);
    let books = shop.settle_within(SETTLED_WITHIN).await;
    assert_eq!(books.count("CANCELLED"), 24);
    assert_eq!(books.available["stoneware-mug"], 240);
}
