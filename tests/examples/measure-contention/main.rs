//! Measures orders that compete for the same products, in one run.
//!
//! 16 and 64 clients, each with an execution environment to itself and one order after the other, order
//!
//! - products of their own,
//! - one hot product,
//! - the same two products, half of them in the opposite order,
//!
//! without conflicts, as the embedded DynamoDB has none, and with those that AWS would raise (the fault `overlap`). Then
//! [`model`] says what one item and eight would do for more clients than a laptop has room for; with `--model`, only that.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on must panic")]

mod model;

use std::time::{Duration, Instant};

use e2e::{Calls, Options, Response, Shop, eventually};
use futures_util::future::join_all;
use serde_json::{Value, json};

const CLIENTS: [usize; 2] = [16, 64];
/// In each line of the table, by all clients together.
const ORDERS: usize = 512;
/// More than is ever ordered here.
const PLENTY: i64 = 100_000;

/// What the clients order.
#[derive(Clone, Copy, Debug)]
enum Goods {
    Distinct,
    Hot,
    Pairs,
}

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == "--model") {
        return model::print();
    }
    println!(
        "| clients | products | conflicts as on AWS | orders/s | conflicts per order | 5xx | p50 ms | p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for clients in CLIENTS {
        for goods in [Goods::Distinct, Goods::Hot, Goods::Pairs] {
            for overlap in [false, true] {
                measure(clients, goods, overlap).await;
            }
        }
    }
    println!();
    model::print();
}

async fn measure(clients: usize, goods: Goods, overlap: bool) {
    let shop = Shop::start_with(options(clients)).await;
    for number in 0..clients.max(2) {
        shop.restock(&product(number), PLENTY).await;
    }
    if overlap {
        shop.set_faults(&json!({"rules": [{"fault": "overlap"}]})).await;
    }
    // Every client's environment is warm, and knows the prices.
    buy(&shop, clients, goods, 2).await;
    paid(&shop).await;
    let mut calls = Calls::of(&shop);
    calls.take(1).await;

    let start = Instant::now();
    let responses = buy(&shop, clients, goods, ORDERS / clients).await;
    let took = start.elapsed();
    let (calls, orders) = (calls.take(ORDERS).await, responses.len());
    let conflicts = calls.iter().filter(|call| is_conflict(call)).count();
    let made = responses.iter().filter(|(response, _)| response.status == 201).count();
    // 503 when its retries end; 500 when the machine is so busy that the function's time ends first.
    let unavailable = responses.iter().filter(|(response, _)| matches!(response.status, 500 | 503)).count();
    assert_eq!(made + unavailable, orders, "{responses:?}");
    let mut times: Vec<_> = responses.iter().map(|(_, time)| *time).collect();
    times.sort();
    println!(
        "| {clients} | {} | {} | {:.0} | {:.2} | {:.1} % | {:.0} | {:.0} |",
        goods.name(),
        if overlap { "yes" } else { "no" },
        made as f64 / took.as_secs_f64(),
        conflicts as f64 / orders as f64,
        100.0 * unavailable as f64 / orders as f64,
        ms(times[orders / 2]),
        ms(times[orders * 99 / 100]),
    );
}

/// A process for each client, and nothing else that would hold it up.
fn options(clients: usize) -> Options {
    let parameters = [
        ("PaymentLatencyMs", "0"),
        ("ThrottlingRateLimit", "100000"),
        ("ThrottlingBurstLimit", "100000"),
        ("OrderRateLimit", "100000"),
        ("OrderBurstLimit", "100000"),
    ];
    let parameters = parameters.map(|(name, value)| (name, value.to_owned())).to_vec();
    let mut flags = vec!["--quiet".to_owned(), "--max-environments".to_owned(), clients.to_string()];
    if !cfg!(debug_assertions) {
        flags.push("--release".to_owned());
    }
    Options { parameters, flags, builds_functions: true, ..Options::default() }
}

/// Makes so many orders for each client, one after the other, and returns how long each took.
async fn buy(shop: &Shop, clients: usize, goods: Goods, orders: usize) -> Vec<(Response, Duration)> {
    let client = |client: usize| async move {
        let mut responses = Vec::with_capacity(orders);
        for _ in 0..orders {
            let start = Instant::now();
            let products = goods.of(client);
            let lines: Vec<_> = products.iter().map(|id| (id.as_str(), 1)).collect();
            responses.push((shop.order(&lines, "tok_visa").response().await, start.elapsed()));
        }
        responses
    };
    join_all((0..clients).map(client)).await.into_iter().flatten().collect()
}

/// Waits until no order is PENDING any more.
async fn paid(shop: &Shop) {
    eventually(Duration::from_secs(60), || async {
        match shop.snapshot().await.count("PENDING") {
            0 => Ok(()),
            pending => Err(pending),
        }
    })
    .await;
}

impl Goods {
    fn name(self) -> &'static str {
        match self {
            Self::Distinct => "one each, distinct",
            Self::Hot => "one, hot",
            Self::Pairs => "two, in opposite orders",
        }
    }

    fn of(self, client: usize) -> Vec<String> {
        match self {
            Self::Distinct => vec![product(client)],
            Self::Hot => vec![product(0)],
            Self::Pairs if client.is_multiple_of(2) => vec![product(0), product(1)],
            Self::Pairs => vec![product(1), product(0)],
        }
    }
}

/// The names of the demo catalogue's products.
fn product(number: usize) -> String {
    e2e::products()[number]["product_id"].as_str().unwrap().to_owned()
}

/// There is plenty of everything at one price, so nothing else cancels a transaction.
fn is_conflict(call: &Value) -> bool {
    call["function"] == "create-order" && call["error_type"] == "TransactionCanceledException"
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
