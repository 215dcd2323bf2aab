//! Measures each function's release binary and its init against a bare function (scripts/bare), in one run.
//!
//! Init is the time from starting the process to its first request for an invocation, with the environment that Lambda
//! sets and no endpoint overridden, so TLS is set up as on AWS. Runs take turns, so that a noisy machine is noisy for
//! all; what counts are the ratios of the medians. Ends with an error if one is above [`MOST`].

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on must panic")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use e2e::workspace;
use local_lambda::build::build;

const RUNS: usize = 21;
/// What the shop promises.
const MOST: f64 = 1.3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let functions = e2e::functions();
    let names: Vec<&str> = functions.iter().map(String::as_str).collect();
    let mut binaries: BTreeMap<String, PathBuf> = build(workspace(), &names, true)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
        .into_iter()
        .collect();
    let bare = build(&workspace().join("scripts/bare"), &["bare"], true)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    binaries.extend(bare);

    let mut inits: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for _ in 0..RUNS {
        for (name, binary) in &binaries {
            inits.entry(name).or_default().push(init(binary));
        }
    }
    let size = |name: &str| std::fs::metadata(&binaries[name]).unwrap().len();
    let median = |name: &str| {
        let mut times = inits[name].clone();
        times.sort_unstable();
        times[times.len() / 2]
    };
    println!(
        "{:<18} {:>9} {:>7} {:>9} {:>7}   (medians of {RUNS} runs in turn)",
        "function", "size MB", "ratio", "init ms", "ratio"
    );
    let mut kept = true;
    for name in binaries.keys() {
        #[allow(clippy::cast_precision_loss, reason = "megabytes with one digit")]
        let (bytes, bare_bytes) = (size(name) as f64, size("bare") as f64);
        let (time, bare_time) = (median(name).as_secs_f64(), median("bare").as_secs_f64());
        let (size_ratio, time_ratio) = (bytes / bare_bytes, time / bare_time);
        kept &= size_ratio <= MOST && time_ratio <= MOST;
        println!("{name:<18} {:>9.2} {size_ratio:>7.2} {:>9.2} {time_ratio:>7.2}", bytes / 1e6, time * 1e3);
    }
    if kept {
        return ExitCode::SUCCESS;
    }
    eprintln!("a function is more than {MOST} times the bare one");
    ExitCode::FAILURE
}

/// Starts the binary and waits for its first request to the Runtime API.
fn init(binary: &Path) -> Duration {
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = Command::new(binary);
    command.env_clear().env("AWS_LAMBDA_RUNTIME_API", api.local_addr().unwrap().to_string());
    for (name, value) in [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("AWS_SESSION_TOKEN", "none"),
        ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("CATALOG_TABLE", "catalog"),
        ("ORDERS_TABLE", "orders"),
        ("PAYMENTS_TABLE", "payments"),
        ("PAYMENT_PROVIDER", "simulated"),
        ("PROVIDER_LEDGER_TABLE", "ledger"),
        ("PAYMENTS_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/0/payments"),
        ("PAYMENTS_DEAD_LETTER_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/0/dead"),
    ] {
        command.env(name, value);
    }
    let started = Instant::now();
    let mut process =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (stream, _) = api.accept().unwrap();
    let mut request = String::new();
    BufReader::new(stream).read_line(&mut request).unwrap();
    let took = started.elapsed();
    assert!(request.contains("/runtime/invocation/next"), "{}: {request}", binary.display());
    process.kill().unwrap();
    process.wait().unwrap();
    took
}
