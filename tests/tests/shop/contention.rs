//! Many clients, few pieces.

use std::time::Duration;

use e2e::{Backend, Shop, needs};
use futures_util::future::join_all;

/// The status of the first answer that is clear. A local stack of the test's own is never too busy to give one; an
/// emulator may be, and then the client asks again, as the 503 tells it to.
async fn order_the_grinder(shop: &Shop, client: u16) -> u16 {
    for _ in 0..30 {
        let order = shop.order(&[("hand-coffee-grinder", 1)], "tok_visa");
        let status = order.header("idempotency-key", format!("client-{client}")).answer().await.status;
        match status {
            503 if !Backend::current().starts_stacks() => {}
            200 => return 201,
            status => return status,
        }
    }
    503
}

#[tokio::test]
async fn two_hundred_clients_order_the_last_fifty_units_and_fifty_get_one() {
    needs!(Tables);
    let shop = Shop::start().await;
    let answers = join_all((0..200).map(|client| order_the_grinder(&shop, client))).await;
    let count = |answer: u16| answers.iter().filter(|status| **status == answer).count();
    assert_eq!((count(201), count(409)), (50, 150), "{answers:?}");
    let books = shop.settle_within(Duration::from_secs(60)).await;
    assert_eq!((books.count("CONFIRMED"), books.available["hand-coffee-grinder"]), (50, 0));
}

#[tokio::test]
async fn orders_of_the_same_products_in_opposite_orders_all_come_through() {
    let shop = Shop::start().await;
    let pair = [("stoneware-mug", 1), ("record-brush", 1)];
    let reverse = [pair[1], pair[0]];
    let tries = (0..40).map(|n| shop.order(if n % 2 == 0 { &pair } else { &reverse }, "tok_visa").answer());
    assert!(join_all(tries).await.iter().all(|answer| answer.status == 201));
    let books = shop.settle_within(Duration::from_secs(60)).await;
    for product in ["stoneware-mug", "record-brush"] {
        assert_eq!(books.available[product], shop.stocked(product) - 40, "{product}");
    }
}

#[tokio::test]
async fn what_a_failed_payment_gives_back_can_be_sold_again() {
    needs!(Tables);
    let shop = Shop::start().await;
    let lost = shop.place(&[("titanium-stove", 1)], "tok_declined").await;
    assert_eq!(
        shop.order(&[("titanium-stove", 1)], "tok_visa").answer().await.status,
        409,
        "it is held until the end"
    );
    shop.ended(&lost).await;
    let won = shop.place(&[("titanium-stove", 1)], "tok_visa").await;
    assert_eq!(shop.ended(&won).await["status"], "CONFIRMED");
    shop.settle().await;
}
