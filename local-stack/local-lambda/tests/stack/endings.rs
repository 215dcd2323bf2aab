//! The stack leaves nothing behind, however it ends.

use std::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{Running, puppet};

const RECORDED: &str = "      Environment: {Variables: {RECORD: $RECORD}}";

#[test]
fn a_panic_of_the_stack_leaves_no_process_and_no_port() {
    let (send, seen) = mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
            stack.invoke(&json!({})).await;
            let port: u16 = stack.stack.addresses.http.rsplit(':').next().unwrap().parse().unwrap();
            send.send((stack.recorded()[0]["process_id"].clone(), port)).unwrap();
            panic!("as a fault of the stack would");
        });
    });
    assert!(panicked.join().is_err());
    let (process, port) = seen.recv().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::fs::exists(format!("/proc/{process}")).unwrap() {
        assert!(Instant::now() < deadline, "{process} goes on");
        std::thread::yield_now();
    }
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn a_missing_binary_is_named() {
    let error =
        Running::try_start(&puppet("", ""), &["--bin-dir", "/nowhere"]).await.err().unwrap().to_string();
    assert!(error.contains("/nowhere/puppet") && error.contains("--bin-dir"), "{error}");
}

#[tokio::test]
async fn a_start_that_fails_stops_the_servers_that_it_has_started() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // The faults are read when DynamoDB and SQS are running.
    let port = free.to_string();
    let flags = ["--faults", "/nowhere", "--sqs-port", &port];
    assert!(Running::try_start(&puppet("", ""), &flags).await.is_err());
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", free)).is_ok() {
        assert!(Instant::now() < deadline, "SQS still listens");
        tokio::task::yield_now().await;
    }
}
