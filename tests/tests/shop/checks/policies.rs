//! Least privilege: template.yaml allows each function the calls that it makes, and no others.
//!
//! Every function is driven through its flows; what its calls needed is compared with its `Policies`. A new call, or a
//! function that calls less than it did, turns this red, and so does a flow that nobody drives here.
//!
//! Not in it is what SAM adds to the functions' roles for others to work in their name: Lambda's polling of streams
//! and queues (`sqs:ReceiveMessage`, `dynamodb:GetRecords` and the like), failure destinations, and writing logs.

use std::time::Duration;

use e2e::{
    Options, Shop, eventually,
    fixtures::one_by_one,
    needs, payment_event,
    permissions::{allowed, differences, needed},
    unique_key,
};
use serde_json::json;

const GIVEN_UP_WITHIN: Duration = Duration::from_secs(60);
/// Calls are counted a moment after their answers, and messages that fail come again after seconds.
const COUNTED_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn each_function_is_allowed_what_it_calls_and_nothing_else() {
    needs!(OwnStack, ControlPort, Tables);
    // The provider that a deployment has by default: it is the one whose ledger is a table.
    let parameters = vec![("PaymentProviderUrl", String::new())];
    let shop = Shop::start_with(Options { parameters, ..Options::default() }).await;
    // What the answers are is the matter of fixtures.rs.
    one_by_one(&shop, async |fixture| {
        let response = shop.invoke(&fixture.function, &fixture.event).await;
        assert_eq!(response.status, 200, "{}", fixture.name);
    })
    .await;
    // Its first receive fails; it is given up below.
    let silent = shop.place(&[("stoneware-mug", 2)], "tok_unavailable").await;
    refuse_an_order_with_a_key(&shop).await;
    let (paid, declined) = tokio::join!(
        shop.place(&[("stoneware-mug", 1)], "tok_visa"),
        shop.place(&[("record-brush", 1)], "tok_declined"),
    );
    let (paid_order, declined_order) = tokio::join!(shop.ended(&paid), shop.ended(&declined));
    assert_eq!(
        (&paid_order["status"], &declined_order["status"]),
        (&json!("CONFIRMED"), &json!("PAYMENT_FAILED"))
    );

    refund_after_the_end(&shop, "process-payment").await;
    refund_after_the_end(&shop, "fail-payment").await;
    sweep_an_overdue_order(&shop, &paid).await;
    // By fail-payment, because process-payment cannot.
    let down = json!({"fault": {"error": {"name": "InternalServerError"}}, "caller": "process-payment"});
    shop.set_faults(&json!({"rules": [down]})).await;
    shop.make_old(&silent).await;
    shop.send("PaymentsDeadLetterQueue", json!({"order_id": silent})).await;
    shop.send("PaymentsDeadLetterQueue", "nonsense").await;
    assert_eq!(shop.ended_within(&silent, GIVEN_UP_WITHIN).await["status"], "PAYMENT_FAILED");
    shop.clear_faults().await;

    let allowed = allowed();
    eventually(COUNTED_WITHIN, || async {
        let differences = differences(&needed(&shop).await, &allowed);
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    })
    .await;
}

#[test]
fn a_permission_too_many_and_one_too_few_are_both_told() {
    let allowed = allowed();
    assert!(differences(&allowed, &allowed).is_empty());
    let mut fewer = allowed.clone();
    let taken = fewer.get_mut("get-order").unwrap().pop_first().unwrap();
    assert_eq!(differences(&allowed, &fewer), [format!("get-order is not allowed {taken}")]);
    assert_eq!(differences(&fewer, &allowed), [format!("get-order never needed {taken}")]);
}

/// A refusal comes only once it is known that the key has made no order.
async fn refuse_an_order_with_a_key(shop: &Shop) {
    let order = shop.order(&[("no-such-product", 1)], "tok_visa");
    assert_eq!(order.header("idempotency-key", unique_key()).response().await.status, 404);
}

/// A charge that its order does not agree with any more, as after a crash between the two.
async fn refund_after_the_end(shop: &Shop, function: &str) {
    let order_id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    assert_eq!(shop.ended(&order_id).await["status"], "CONFIRMED");
    shop.make_overdue(&order_id, "PAYMENT_FAILED").await;
    let response = shop.invoke(function, &payment_event(&order_id, 2)).await;
    assert_eq!(response.json(), json!({"batchItemFailures": []}), "{function}");
    assert_eq!(shop.snapshot().await.payments[&order_id], "REFUNDED", "{function}");
}

/// An order whose message and stream record were both lost an hour ago.
async fn sweep_an_overdue_order(shop: &Shop, order_id: &str) {
    shop.make_overdue(order_id, "PENDING").await;
    shop.sweep().await;
    assert_eq!(shop.ended(order_id).await["status"], "CONFIRMED");
}
