//! Sends every event of events/ to its function by the real `cargo lambda invoke`: once to the local stack, once to
//! `cargo lambda watch`, whose router is tried as well. Ends with an error if a response is not as the event expects.

#![allow(clippy::unwrap_used, reason = "a check that cannot continue must panic")]

mod watch;

use std::{collections::BTreeMap, process::ExitCode};

use e2e::{
    Client, Shop,
    fixtures::{Fixture, fixtures, one_by_one},
    shutdown_requested, workspace,
};
use tokio::process::Command;

use self::watch::Watch;

/// Ends in order at Ctrl-C and SIGTERM, too; if it is killed, what it has started notices (`e2e`, [`watch`]).
#[tokio::main]
async fn main() -> ExitCode {
    tokio::select! {
        code = check() => code,
        () = shutdown_requested() => ExitCode::FAILURE,
    }
}

async fn check() -> ExitCode {
    let version = cargo_lambda().arg("--version").output().await;
    if !version.is_ok_and(|output| output.status.success()) {
        eprintln!("cargo-lambda is missing: `pip install cargo-lambda` puts it on the PATH");
        return ExitCode::FAILURE;
    }
    let mut faults = Vec::new();

    let shop = Shop::start().await;
    let invoke_port = port(shop.ready["invoke"].as_str().unwrap());
    faults.extend(invoke_all("the local stack", &shop, invoke_port).await);
    drop(shop);

    // A stack of its own, for what it holds: some events expect that others came before them, once.
    let shop = Shop::start().await;
    let watch = Watch::start(&shop).await;
    faults.extend(invoke_all("cargo lambda watch", &shop, watch.port).await);
    faults.extend(request_all(&Client::new(&format!("http://127.0.0.1:{}", watch.port))).await);
    drop(watch);

    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cargo_lambda() -> Command {
    let mut command = Command::new("cargo");
    command.arg("lambda").current_dir(workspace());
    command.kill_on_drop(true);
    command
}

fn port(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

/// Invokes every function with all its events, and returns what is wrong; `shop` holds the tables.
async fn invoke_all(whom: &str, shop: &Shop, port: u16) -> Vec<String> {
    let (mut faults, mut count) = (Vec::new(), 0);
    one_by_one(shop, async |fixture| {
        count += 1;
        if let Err(fault) = invoke(fixture, port).await {
            faults.push(format!("{whom}: {}: {fault}", fixture.name));
        }
    })
    .await;
    println!("{whom}: {} of {count} events answered as expected", count - faults.len());
    faults
}

async fn invoke(fixture: &Fixture, port: u16) -> Result<(), String> {
    let mut command = cargo_lambda();
    command.args(["invoke", &fixture.function, "--invoke-address", "127.0.0.1"]);
    command.args(["--invoke-port", &port.to_string(), "--data-file"]).arg(&fixture.path);
    let output = command.output().await.unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let response = serde_json::from_slice(&output.stdout);
    fixture.check(
        &response.map_err(|error| format!("{error} in {:?}", String::from_utf8_lossy(&output.stdout)))?,
    )
}

/// Sends the first request of each HTTP function that succeeds to the router.
async fn request_all(router: &Client) -> Vec<String> {
    let mut requests = BTreeMap::new();
    for fixture in fixtures().into_iter().filter(Fixture::is_successful_request) {
        requests.entry(fixture.function.clone()).or_insert(fixture);
    }
    let mut faults = Vec::new();
    for fixture in requests.values() {
        if let Err(fault) = request(router, fixture).await {
            faults.push(format!("the router of cargo lambda watch: {}: {fault}", fixture.name));
        }
    }
    let (right, all) = (requests.len() - faults.len(), requests.len());
    println!("the router of cargo lambda watch: {right} of {all} routes answered as expected");
    faults
}

async fn request(router: &Client, fixture: &Fixture) -> Result<(), String> {
    let request = fixture.request(router).ok_or("the event comes from no request")?;
    let response = request.send().await?;
    // The invocation before has made the order already.
    let right = matches!(response.status, 200 | 201);
    if right { Ok(()) } else { Err(format!("status {}: {:?}", response.status, response.body)) }
}
