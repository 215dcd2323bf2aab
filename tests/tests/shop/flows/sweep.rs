//! sweep-orders finds what was lost: orders whose payment or refund has been due for long.

use aws_sdk_dynamodb::types::AttributeValue::{L, M, S};
use e2e::{Shop, needs};

#[tokio::test]
async fn an_order_that_everything_lost_is_found_by_the_sweep() {
    needs!(Invoke, Tables);
    let shop = Shop::start().await;
    let order_id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&order_id).await;
    // As it would be, had its stream record and its message been lost an hour ago.
    let history = shop.stored(&order_id).await["history"].as_l().unwrap()[..1].to_vec();
    shop.rewrite(&order_id, [("history", L(history))]).await;
    shop.make_overdue(&order_id, "PENDING").await;
    assert_eq!(shop.get_order(&order_id).await["status"], "PENDING");
    shop.sweep().await;
    assert_eq!(shop.ended(&order_id).await["status"], "CONFIRMED");
    shop.settle().await;
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
    shop.make_overdue(&id, "LOST").await;
    shop.make_overdue(&id, "CANCELLED").await;
    shop.restock("stoneware-mug", 1).await;
    shop.sweep().await;
    let snapshot = shop.settle().await;
    assert_eq!(snapshot.ledger[&id].state, "refunded");
}
