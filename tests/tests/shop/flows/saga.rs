//! Every step of every flow, failed, cut, killed, repeated and delayed: each order still ends as it should, once.
//!
//! After omicron's saga tests. The steps are not listed here: a first run of the flow says which calls its functions
//! make, so a new step is struck as soon as it exists.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use e2e::{Calls, Shop, eventually, needs};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// From the strike to the end of the order: a killed payment comes again after its visibility timeout of two seconds.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// Longer than a function waits for the provider in tests: a second.
const LATE_MS: u64 = 1500;
/// The SDK makes a call three times by itself: only an error that lasts for longer is the function's to deal with.
const LONGER_THAN_THE_SDK: u32 = 4;
/// With fewer rules, a stack of its own takes longer to start than it saves.
const RULES_FOR_A_STACK: usize = 8;

/// A way that an order can go.
#[derive(Clone, Copy, Debug)]
struct Flow {
    token: &'static str,
    kind: Kind,
    end: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// An order is made and paid, or not.
    Order,
    /// The provider has not answered, and from then on process-payment fails: only fail-payment can end the order.
    DeadLetter,
    /// A paid order is cancelled; what it took to pay it is not struck.
    Cancellation,
}

const PAID: Flow = Flow { token: "tok_visa", kind: Kind::Order, end: "CONFIRMED" };
const DECLINED: Flow = Flow { token: "tok_declined", kind: Kind::Order, end: "PAYMENT_FAILED" };
const GIVEN_UP: Flow = Flow { token: "tok_unavailable", kind: Kind::DeadLetter, end: "PAYMENT_FAILED" };
const CANCELLED: Flow = Flow { token: "tok_visa", kind: Kind::Cancellation, end: "CANCELLED" };

/// A product that no warm function has in its memory yet, so that its offer must be read; they last for 50 orders.
fn product(number: usize) -> String {
    let plenty = |product: &Value| product["available"].as_u64().unwrap() >= 20;
    let product = e2e::products().iter().filter(|product| plenty(product)).nth(number % 50).unwrap();
    product["product_id"].as_str().unwrap().to_owned()
}

/// Makes an order, and returns its id.
async fn place(shop: &Shop, flow: Flow, number: usize) -> String {
    let product = product(number);
    let lines = [(product.as_str(), 1), ("record-brush", 1)];
    let response = shop.keyed_order(&lines, flow.token).definite_response().await;
    assert!(response.made(), "{response:?}");
    response.json()["order_id"].as_str().unwrap().to_owned()
}

/// What must have happened before the flow begins.
async fn prepare(shop: &Shop, flow: Flow, number: usize) -> Option<String> {
    if flow.kind == Kind::Order {
        return None;
    }
    let order = place(shop, flow, number).await;
    if flow.kind == Kind::Cancellation {
        shop.settle_quietly(&order).await;
    } else {
        shop.intent_stored(&order).await;
    }
    Some(order)
}

/// What goes wrong beside the fault that strikes.
fn standing_faults(flow: Flow) -> Vec<Value> {
    if flow.kind != Kind::DeadLetter {
        return Vec::new();
    }
    let fault = json!({"error": {"name": "InternalServerError"}});
    vec![json!({"fault": fault, "caller": "process-payment", "operation": "GetItem"})]
}

/// Starts the flow, and returns its order.
async fn begin(shop: &Shop, flow: Flow, number: usize, prepared: Option<String>) -> String {
    let Some(order) = prepared else { return place(shop, flow, number).await };
    if flow.kind == Kind::DeadLetter {
        // Only now, so that it is fail-payment that gives it up.
        shop.make_old(&order).await;
        shop.send("PaymentsDeadLetterQueue", json!({"order_id": order})).await;
        return order;
    }
    let response = shop.cancel(&order).definite_response().await;
    assert_eq!(response.status, 200, "{response:?}");
    order
}

/// How the order stands in its table: its status, and whether its payment or refund is still due.
async fn stands(shop: &Shop, order: &str) -> (String, bool) {
    let item = shop.stored(order).await;
    (item["status"].as_s().unwrap().clone(), item.contains_key("due_shard"))
}

/// The calls up to the settlement, who made which: a call is counted a moment after its response, and a step that is not
/// known is not struck.
async fn until_settled(calls: &mut Calls<'_>, flow: Flow) -> BTreeSet<(String, String)> {
    let text = |call: &Value, name: &str| call[name].as_str().unwrap().to_owned();
    let settler = if flow.kind == Kind::DeadLetter { "fail-payment" } else { "process-payment" };
    let settlement = (settler.to_owned(), "TransactWriteItems".to_owned());
    let mut steps = BTreeSet::new();
    while !steps.contains(&settlement) {
        let calls = calls.take(1).await;
        steps.extend(calls.iter().map(|call| (text(call, "function"), text(call, "operation"))));
    }
    steps
}

/// The steps of a flow.
async fn steps(shop: &Shop, flow: Flow) -> BTreeSet<(String, String)> {
    let mut calls = Calls::of(shop);
    let prepared = prepare(shop, flow, 0).await;
    if flow.kind == Kind::Cancellation {
        until_settled(&mut calls, flow).await;
    }
    shop.set_faults(&json!({"seed": 1, "rules": standing_faults(flow)})).await;
    begin(shop, flow, 0, prepared).await;
    let steps = until_settled(&mut calls, flow).await;
    shop.clear_faults().await;
    steps
}

/// What can happen to a call once.
fn faults(operation: &str) -> Vec<Value> {
    let mut faults = vec![
        json!({"error": {"name": "InternalServerError"}}),
        json!({"error": {"name": "ThrottlingException"}}),
        json!("cut-before"),
        json!("cut-after"),
        json!("kill-before"),
        json!("kill-after"),
    ];
    match operation {
        "TransactWriteItems" => faults.push(json!("conflict")),
        "SendMessageBatch" => faults.extend([json!("duplicate"), json!({"postpone": {"seconds": 2}})]),
        // The payment provider's: asked twice, and answering when the function has given up waiting.
        call if call.starts_with("POST /") => {
            faults.extend([json!("duplicate"), json!({"delay": {"ms": LATE_MS}})]);
        }
        _ => {}
    }
    faults
}

async fn strike(shop: &Shop, flow: Flow, rule: Value, number: usize) {
    let prepared = prepare(shop, flow, number).await;
    let rules = [vec![rule.clone()], standing_faults(flow)].concat();
    shop.set_faults(&json!({"seed": 1, "rules": rules})).await;
    let order = begin(shop, flow, number, prepared).await;
    eventually(ENDS_WITHIN, || async {
        let rules = shop.faults().await;
        let struck = rules[0]["struck"] == rule["times"];
        let (status, due) = stands(shop, &order).await;
        let ended = if struck && !due { Ok(status) } else { Err((rules, status, due)) };
        ended.map(|status| assert_eq!(status, flow.end, "{rule}"))
    })
    .await;
    shop.clear_faults().await;
}

/// A rule for each fault of each step that one of the functions makes.
fn rules(steps: &BTreeSet<(String, String)>, functions: &[&str]) -> Vec<Value> {
    let steps: Vec<_> = steps.iter().filter(|(function, _)| functions.contains(&function.as_str())).collect();
    assert!(functions.iter().all(|name| steps.iter().any(|(function, _)| function == name)), "{steps:?}");
    let kills = functions.iter().map(|name| json!({"fault": "kill-response", "caller": name, "times": 1}));
    let (mut rules, mut lasting) = (Vec::from_iter(kills), Vec::new());
    for (function, operation) in &steps {
        for fault in faults(operation) {
            rules.push(json!({"fault": fault, "caller": function, "operation": operation, "times": 1}));
        }
        // Calls to the provider are made once in an invocation anyway.
        if !operation.starts_with("POST /") {
            let fault = json!({"error": {"name": "InternalServerError"}});
            let times = LONGER_THAN_THE_SDK;
            lasting.push(json!({"fault": fault, "caller": function, "operation": operation, "times": times}));
        }
    }
    // The last one strikes first: after a kill, a record or message of an order that has ended comes again, and would
    // take strikes of an error that must last for the next order.
    rules.extend(lasting);
    rules
}

/// Lets the rules strike one after the other until none is left. The shop has made `orders` of the flow already.
async fn strike_all(shop: Shop, flow: Flow, mut orders: usize, rules: &Mutex<Vec<Value>>) {
    loop {
        let next = rules.lock().unwrap().pop();
        let Some(rule) = next else { break };
        strike(&shop, flow, rule, orders).await;
        orders += 1;
    }
    let snapshot = shop.settle_within(Duration::from_secs(120)).await;
    assert_eq!(snapshot.count(flow.end), orders, "each order once, ended as it should");
    assert_eq!(snapshot.orders.len(), orders);
}

async fn every_step_of(flow: Flow, functions: &[&str]) {
    let shop = Shop::start().await;
    let rules = rules(&steps(&shop, flow).await, functions);
    // A payment that fails waits for seconds before it is tried again, so several stacks share the rules.
    let more_stacks = rules.len() / RULES_FOR_A_STACK;
    let rules = Mutex::new(rules);
    let others = (0..more_stacks).map(|_| async { strike_all(Shop::start().await, flow, 0, &rules).await });
    tokio::join!(strike_all(shop, flow, 1, &rules), join_all(others));
}

#[tokio::test]
async fn every_step_of_making_an_order_may_fail() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    every_step_of(PAID, &["create-order"]).await;
}

#[tokio::test]
async fn every_step_of_requesting_a_payment_may_fail() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    every_step_of(PAID, &["request-payments"]).await;
}

#[tokio::test]
async fn every_step_of_paying_may_fail() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    every_step_of(PAID, &["process-payment"]).await;
}

#[tokio::test]
async fn every_step_of_declining_may_fail() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    every_step_of(DECLINED, &["process-payment"]).await;
}

#[tokio::test]
async fn every_step_of_giving_up_may_fail() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    every_step_of(GIVEN_UP, &["fail-payment"]).await;
}

#[tokio::test]
async fn every_step_of_cancelling_may_fail() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    every_step_of(CANCELLED, &["cancel-order", "request-payments"]).await;
}

#[tokio::test]
async fn every_step_of_refunding_may_fail() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    every_step_of(CANCELLED, &["process-payment"]).await;
}

#[tokio::test]
async fn messages_that_are_not_deleted_or_come_from_several_deliveries_change_nothing() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    let shop = Shop::start().await;
    let rules = json!([
        {"fault": "lose-delete", "caller": "pollers", "rate": 0.5},
        {"fault": "duplicate", "caller": "request-payments", "rate": 0.5},
        {"fault": {"postpone": {"seconds": 2}}, "caller": "request-payments", "rate": 0.5},
    ]);
    shop.set_faults(&json!({"seed": 3, "rules": rules})).await;
    let mut number = 0;
    // How many messages go together, and so how often a rule can strike, is a matter of who is faster.
    while number < 40 || !shop.faults().await.iter().all(|rule| rule["struck"].as_u64() > Some(0)) {
        assert!(number < 200, "not every rule strikes: {:?}", shop.faults().await);
        let flow = if number % 4 == 0 { DECLINED } else { PAID };
        place(&shop, flow, number).await;
        number += 1;
    }
    let snapshot = shop.settle_within(Duration::from_secs(60)).await;
    let declined = number.div_ceil(4);
    assert_eq!(
        (snapshot.count("CONFIRMED"), snapshot.count("PAYMENT_FAILED")),
        (number - declined, declined)
    );
}
