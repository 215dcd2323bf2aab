//! Measures the local stack on this machine, in one run.
//!
//! - start: from starting the stack, its functions built, to the response of its first request
//! - added latency: `GET /products/{id}` over the HTTP API beside the same event handed to the same binary by a bare
//!   Runtime API, in turns, so that a noisy machine is noisy for both
//! - invocations a second: 16 clients on `GET /products/{id}`
//! - orders a second: 16 clients, from the first POST until every order is CONFIRMED
//! - what DynamoDB alone would allow: the writes of as many orders, by 16 clients and no function

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on must panic")]

mod bare_runtime_api;
mod writes;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bare_runtime_api::Bare;
use e2e::{Options, Shop, farthing, functions, workspace};
use futures_util::future::join_all;
use local_lambda::build::build;
use serde_json::json;

const STARTS: usize = 7;
const TURNS: usize = 500;
const CLIENTS: usize = 16;
const LOAD: Duration = Duration::from_secs(5);
const ORDERS_EACH: usize = 60;
const PATH: &str = "/products/stoneware-mug";

#[tokio::main]
async fn main() {
    // Without a limit: from nothing, optimized binaries take many minutes.
    farthing().await;
    let functions = functions();
    let names: Vec<_> = functions.iter().map(String::as_str).collect();
    let built = build(workspace(), &names, !cfg!(debug_assertions)).await.unwrap();
    drop(Shop::start_with(options()).await);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let start = Instant::now();
        let shop = Shop::start_with(options()).await;
        assert_eq!(shop.http.get(PATH).response().await.status, 200);
        starts.push(start.elapsed());
    }
    println!("start to first response      {:>9.1} ms   median of {STARTS}", ms(median(&mut starts)));

    let shop = Shop::start_with(options()).await;
    latency(&shop, &built["get-product"]).await;
    invocations(&shop).await;
    orders(&shop).await;
    writes::alone(&shop).await;
}

/// Payments that think for no time: the stack is measured, not the provider.
fn options() -> Options {
    let parameters = vec![
        ("PaymentLatencyMs", "0".to_owned()),
        ("PaymentConcurrency", "32".to_owned()),
        ("PaymentRatePerSecond", "10000".to_owned()),
        ("ThrottlingRateLimit", "100000".to_owned()),
        ("ThrottlingBurstLimit", "100000".to_owned()),
        ("ListRateLimit", "100000".to_owned()),
        ("ListBurstLimit", "100000".to_owned()),
        ("OrderRateLimit", "100000".to_owned()),
        ("OrderBurstLimit", "100000".to_owned()),
    ];
    let mut flags = vec!["--quiet".to_owned()];
    if !cfg!(debug_assertions) {
        flags.push("--release".to_owned());
    }
    Options { parameters, flags, builds_functions: true, ..Options::default() }
}

async fn latency(shop: &Shop, get_product: &Path) {
    let table = shop.table("CatalogTable");
    let dynamodb = shop.ready["dynamodb"].as_str().unwrap();
    let mut bare = Bare::start(get_product, &[("CATALOG_TABLE", &table), ("AWS_ENDPOINT_URL", dynamodb)]);
    let event = json!({
        "version": "2.0", "routeKey": "GET /products/{id}", "rawPath": PATH, "rawQueryString": "",
        "headers": {"host": "localhost"}, "pathParameters": {"id": "stoneware-mug"}, "isBase64Encoded": false,
        "requestContext": {"http": {"method": "GET", "path": PATH, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
            "userAgent": ""}, "requestId": "r", "routeKey": "GET /products/{id}", "stage": "$default",
            "accountId": "0", "apiId": "a", "domainName": "d", "domainPrefix": "p", "time": "t", "timeEpoch": 0},
    })
    .to_string();
    let (mut through, mut alone) = (Vec::new(), Vec::new());
    for turn in 0..TURNS + 20 {
        let start = Instant::now();
        assert_eq!(shop.http.get(PATH).response().await.status, 200);
        let one = start.elapsed();
        let start = Instant::now();
        let response = bare.invoke(&event);
        let other = start.elapsed();
        assert!(response.contains("\"statusCode\":200"), "{response}");
        // The first turns are cold.
        if turn >= 20 {
            through.push(one);
            alone.push(other);
        }
    }
    let (through, alone) = (median(&mut through), median(&mut alone));
    println!("get-product, bare            {:>9.3} ms   p50 of {TURNS}, in turns", ms(alone));
    println!("get-product, HTTP API        {:>9.3} ms   p50", ms(through));
    println!("added by the stack           {:>9.3} ms", ms(through) - ms(alone));
}

async fn invocations(shop: &Shop) {
    let start = Instant::now();
    let counts = join_all((0..CLIENTS).map(|_| async {
        let mut count = 0_u32;
        while start.elapsed() < LOAD {
            assert_eq!(shop.http.get(PATH).response().await.status, 200);
            count += 1;
        }
        count
    }))
    .await;
    let rate = f64::from(counts.iter().sum::<u32>()) / start.elapsed().as_secs_f64();
    println!("invocations a second         {rate:>9.0}      {CLIENTS} clients, get-product");
}

async fn orders(shop: &Shop) {
    // Two products in plenty, so that nobody waits for stock but everybody meets on the same offers.
    for product in ["stoneware-mug", "record-brush"] {
        shop.restock(product, 1_000_000).await;
    }
    let start = Instant::now();
    let ids = join_all((0..CLIENTS).map(|_| async {
        let mut ids = Vec::new();
        for _ in 0..ORDERS_EACH {
            ids.push(shop.place(&[("stoneware-mug", 1), ("record-brush", 1)], "tok_visa").await);
        }
        ids
    }))
    .await
    .concat();
    let placed = start.elapsed();
    for id in &ids {
        shop.settle_quietly(id).await;
    }
    let confirmed = start.elapsed();
    let rate = |time: Duration| f64::from(u32::try_from(ids.len()).unwrap()) / time.as_secs_f64();
    println!(
        "orders placed a second       {:>9.0}      {CLIENTS} clients, {} orders of two products",
        rate(placed),
        ids.len()
    );
    println!(
        "orders confirmed a second    {:>9.0}      from the first POST to the last CONFIRMED",
        rate(confirmed)
    );
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
