//! What an attacker can make the owner of a shop pay in a day: for each route the dearest request that anybody may send, its
//! price by the local stack's bill, and as many of it as the template's throttles admit in a day, all day long.
//!
//! The bill has no data transfer, so it is added here by the size of the response. Polling of queues is left out: it is paid
//! without any request.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on must panic")]

use std::{cell::Cell, time::Duration};

use e2e::{Options, Request, Response, Shop, eventually, products, template};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::interval;

/// Requests of each kind. Their first, cold ones are part of the price, as they would be in a rush.
const REQUESTS: usize = 20;
/// Orders of a rush.
const RUSH: usize = 300;
/// To the internet from us-east-1, the first 10 TB a month: <https://aws.amazon.com/ec2/pricing/on-demand/>.
const USD_PER_GB: f64 = 0.09;
/// Headers, which are not in the body.
const HEADER_BYTES: usize = 400;
const SECONDS_PER_DAY: f64 = 86_400.0;
/// A function's log lines are counted a moment after its response.
const COUNTED_WITHIN: Duration = Duration::from_secs(30);
/// So many equal totals in a row, and nothing more is counted.
const EQUAL_READS: u32 = 10;

#[tokio::main]
async fn main() {
    let shop = Shop::start_with(options()).await;
    println!("| route | the dearest request | USD a request | of it transfer | a second | USD a day |");
    println!("|---|---|---|---|---|---|");
    let (page, any) = ("/products?limit=100", "/products/stoneware-mug");
    measure(&shop, "GET /products", "100 products", |_| shop.http.get(page)).await;
    measure(&shop, "GET /categories", "reads all products", |_| shop.http.get("/categories")).await;
    measure(&shop, "GET /products/{id}", "any", |_| shop.http.get(any)).await;
    measure(&shop, "GET /health", "any", |_| shop.http.get("/health")).await;
    let large = |_| shop.keyed_order(&[("stoneware-mug", 1)], "tok_visa").body(vec![b'x'; 5_900_000]);
    measure(&shop, "POST /orders", "a body of 5.9 MB, refused", large).await;
    let fifty = fifty();
    let lines: Vec<_> = fifty.iter().map(|id| (id.as_str(), 1)).collect();
    let declined = |_| shop.keyed_order(&lines, "tok_declined");
    measure(&shop, "POST /orders", "50 lines, declined", declined).await;
    let conflicts = json!({"rules": [{"fault": "conflict", "caller": "create-order"}]});
    shop.set_faults(&conflicts).await;
    measure(&shop, "POST /orders", "50 lines, conflicts, 503", declined).await;
    shop.clear_faults().await;
    rush(&shop, "POST /orders", "50 lines, declined, of the same products", declined).await;
    let paid = |_| shop.keyed_order(&lines, "tok_visa");
    let orders = measure(&shop, "POST /orders", "50 lines, paid", paid).await;
    let ids: Vec<_> =
        orders.iter().map(|order| order.json()["order_id"].as_str().unwrap().to_owned()).collect();
    let read = |n: usize| shop.http.get(&format!("/orders/{}", ids[n]));
    measure(&shop, "GET /orders/{id}", "50 lines", read).await;
    measure(&shop, "POST /orders/{id}/cancel", "50 lines, paid", |n| shop.cancel(&ids[n])).await;
    measure(&shop, "POST /orders/{id}/cancel", "cancelled before", |n| shop.cancel(&ids[n])).await;
}

fn options() -> Options {
    let limits = ["ThrottlingRateLimit", "ThrottlingBurstLimit", "ListRateLimit", "ListBurstLimit"];
    let parameters = limits.map(|name| (name, "100000".to_owned())).to_vec();
    Options { parameters, ..Options::unhurried() }
}

/// Fifty products of which there is enough.
fn fifty() -> Vec<String> {
    let enough = |product: &&Value| product["available"].as_u64().unwrap() > 100;
    let ids = products().iter().filter(enough).take(50);
    ids.map(|product| product["product_id"].as_str().unwrap().to_owned()).collect()
}

/// Sends the requests, one after the other, and prints what they cost with everything that they cause.
async fn measure(shop: &Shop, route: &str, what: &str, request: impl Fn(usize) -> Request) -> Vec<Response> {
    let before = quiet_total(shop).await;
    let mut responses = Vec::with_capacity(REQUESTS);
    for number in 0..REQUESTS {
        responses.push(request(number).first_response().await);
    }
    report(shop, route, what, before, &responses).await;
    responses
}

/// The same with as many requests a second as the API admits, at once, and with conflicts as on AWS.
async fn rush(shop: &Shop, route: &str, what: &str, request: impl Fn(usize) -> Request) {
    let before = quiet_total(shop).await;
    shop.set_faults(&json!({"rules": [{"fault": "overlap"}]})).await;
    let mut ticks = interval(Duration::from_secs_f64(1.0 / admitted(route)));
    let mut sent = Vec::new();
    for number in 0..RUSH {
        ticks.tick().await;
        sent.push(tokio::spawn(request(number).first_response()));
    }
    let responses: Vec<_> = join_all(sent).await.into_iter().map(Result::unwrap).collect();
    let made = responses.iter().filter(|response| response.status == 201).count();
    report(shop, route, &format!("{what}: {made} of {RUSH} made"), before, &responses).await;
    shop.clear_faults().await;
}

async fn report(shop: &Shop, route: &str, what: &str, before: f64, responses: &[Response]) {
    let count = responses.len() as f64;
    let billed = (quiet_total(shop).await - before) / count;
    let bytes: usize = responses.iter().map(|response| response.body.len() + HEADER_BYTES).sum();
    let transfer = bytes as f64 / count / f64::from(1 << 30) * USD_PER_GB;
    let (rate, price) = (admitted(route), billed + transfer);
    let day = price * rate * SECONDS_PER_DAY;
    println!("| `{route}` | {what} | {price:.7} | {transfer:.7} | {rate} | {day:.0} |");
}

/// Requests to a route that the API admits a second, by the template's defaults.
fn admitted(route: &str) -> f64 {
    let template = template();
    let api = template.http_api.as_ref().unwrap();
    let own = api.route_settings.iter().find(|own| own.route_key == route);
    own.map_or(api.default_throttle.rate, |own| own.throttle.rate).unwrap()
}

/// What all functions and the API have cost, in US dollars, once no order is PENDING and nothing is counted any more.
async fn quiet_total(shop: &Shop) -> f64 {
    shop.settle().await;
    let total = || async {
        let bill = shop.control.get("/_local/bill").response().await.json();
        let sum = |list: &str, member: &str| -> f64 {
            let entries = bill["bill"][list].as_array().unwrap();
            entries.iter().map(|entry| entry[member].as_str().unwrap().parse::<f64>().unwrap()).sum()
        };
        sum("functions", "total") + sum("routes", "api")
    };
    let (last, equal) = (Cell::new(0.0), Cell::new(0));
    eventually(COUNTED_WITHIN, || async {
        let now = total().await;
        let is_equal = (now - last.replace(now)).abs() < f64::EPSILON;
        equal.set(if is_equal { equal.get() + 1 } else { 0 });
        if equal.get() == EQUAL_READS { Ok(now) } else { Err(now) }
    })
    .await
}
