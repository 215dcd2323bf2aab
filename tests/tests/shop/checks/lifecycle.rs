//! Starting, stopping, and starting again.

use std::{
    collections::BTreeSet,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use e2e::{Backend, Dynamodb, Options, Shop, farthing, kill_nine, needs, workspace};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;

fn gone(id: u32) -> bool {
    !Path::new(&format!("/proc/{id}")).exists()
}

fn port(address: &serde_json::Value) -> u16 {
    address.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn ctrl_c_and_sigterm_leave_no_process_and_no_port() {
    needs!(OwnStack);
    for signal in [Signal::INT, Signal::TERM] {
        let shop = Shop::start().await;
        let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
        shop.ended(&id).await;
        let ready = shop.ready.clone();
        let (status, functions) = shop.stop(signal).await;
        assert!(status.success(), "{signal:?}: {status}");
        assert!(functions.len() >= 3, "{functions:?}");
        let left: Vec<_> = functions.iter().filter(|id| !gone(**id)).collect();
        assert!(left.is_empty(), "{signal:?} left {left:?}");
        for name in ["http", "invoke", "control", "dynamodb", "sqs", "payment_provider"] {
            if name == "dynamodb" && Backend::current() != Backend::Embedded {
                continue;
            }
            assert!(TcpStream::connect(("127.0.0.1", port(&ready[name]))).is_err(), "{signal:?} left {name}");
        }
    }
}

#[tokio::test]
async fn functions_end_by_themselves_when_the_stack_is_killed() {
    needs!(OwnStack);
    let shop = Shop::start().await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    shop.ended(&id).await;
    let functions: Vec<u32> = e2e::children(shop.process_id()).into_iter().map(|(id, _)| id).collect();
    assert!(!functions.is_empty());
    kill_nine(shop.process_id());
    e2e::eventually(Duration::from_secs(10), || async {
        let left: Vec<_> = functions.iter().filter(|id| !gone(**id)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?} go on")) }
    })
    .await;
}

#[tokio::test]
async fn a_start_removes_what_a_killed_stack_left_and_nothing_of_a_running_one() {
    needs!(OwnStack);
    let temporary = TempDir::new().unwrap();
    let folders = || -> BTreeSet<PathBuf> {
        std::fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let start = async || {
        let temporary = Some(temporary.path().to_owned());
        let shop = Shop::start_with(Options { temporary, ..Options::default() }).await;
        // The functions have folders too.
        let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
        shop.ended(&id).await;
        shop
    };
    let killed = start().await;
    let left = folders();
    assert!(!left.is_empty());
    for folder in &left {
        let mode = std::fs::metadata(folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "others may not look into {folder:?}");
    }
    kill_nine(killed.process_id());
    drop(killed);
    assert_eq!(folders(), left, "a killed stack removes nothing");

    let running = start().await;
    let needed = folders();
    assert!(needed.is_disjoint(&left), "{needed:?} has some of {left:?}");
    let other = start().await;
    assert!(folders().is_superset(&needed));
    for shop in [running, other] {
        shop.stop(Signal::TERM).await;
    }
    assert_eq!(folders(), BTreeSet::new());
}

#[tokio::test]
async fn a_second_start_builds_nothing_and_waits_for_nothing() {
    needs!(OwnStack);
    let start = || Shop::start_with(Options { builds_functions: true, ..Options::default() });
    // The first start may have to build.
    drop(start().await);
    let started = Instant::now();
    let shop = start().await;
    assert_eq!(shop.http.get("/products").response().await.status, 200);
    // Wide enough for a busy machine: this finds a start that waits for something; scripts/measure-stack finds a slow one.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test]
async fn orders_that_were_pending_at_the_stop_are_taken_up_at_the_next_start() {
    needs!(OwnStack);
    let (data, server) = (TempDir::new().unwrap(), Dynamodb::start().await);
    let flags = || match Backend::current() {
        Backend::Embedded => vec!["--data".to_owned(), data.path().to_str().unwrap().to_owned()],
        _ => vec!["--dynamodb-endpoint".to_owned(), server.endpoint()],
    };
    // The provider thinks longer than the stack lives.
    let slow = vec![("PaymentLatencyMs", "60000".to_owned())];
    let shop = Shop::start_with(Options { parameters: slow, flags: flags(), ..Options::default() }).await;
    let id = shop.place(&[("stoneware-mug", 1)], "tok_visa").await;
    assert_eq!(shop.get_order(&id).await["status"], "PENDING");
    shop.stop(Signal::TERM).await;

    let shop = Shop::start_with(Options { flags: flags(), ..Options::default() }).await;
    assert_eq!(shop.ended(&id).await["status"], "CONFIRMED");
    assert_eq!(shop.settle().await.orders.len(), 1);
}

/// Starts a stack that must not get ready, and returns what it wrote to standard error.
async fn refused(arguments: &[&str]) -> String {
    let any = [
        "--port",
        "0",
        "--invoke-port",
        "0",
        "--control-port",
        "0",
        "--dynamodb-port",
        "0",
        "--sqs-port",
        "0",
        "--payment-port",
        "0",
    ];
    let kept = any.chunks(2).filter(|flag| !arguments.contains(&flag[0])).flatten();
    let mut command = Command::new(farthing().await);
    let started = command.current_dir(workspace()).args(kept).args(arguments).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(30), started).await.expect("it started").unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error_that_names_the_flag() {
    needs!(OwnStack);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in
        ["--port", "--invoke-port", "--control-port", "--dynamodb-port", "--sqs-port", "--payment-port"]
    {
        let error = refused(&[flag, &port]).await;
        assert!(error.contains(&format!("port {port} is taken")) && error.contains(flag), "{error}");
    }
}

#[tokio::test]
async fn a_function_without_its_configuration_stops_at_start_with_the_name_of_what_is_missing() {
    needs!(OwnStack);
    let built = local_lambda::build::build(workspace(), &["get-order"], false).await;
    let mut command = Command::new(&built.unwrap()["get-order"]);
    command.env_clear().envs([
        ("AWS_REGION", "x"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ]);
    let output = command.output().await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        error.contains("the environment variable ORDERS_TABLE is not set: template.yaml sets it"),
        "{error}"
    );
}

#[tokio::test]
async fn bad_configuration_stops_at_start_with_what_is_wrong() {
    needs!(OwnStack);
    for (arguments, words) in [
        (&["--template", "nowhere.yaml"][..], &["nowhere.yaml", "--template"][..]),
        (&["--parameter", "NoSuch=1"], &["NoSuch", "PaymentLatencyMs"]),
        (&["--parameter", "PaymentLatencyMs=slow"], &["PaymentLatencyMs", "50..200"]),
        (&["--parameter", "PaymentFailureRate=2"], &["PaymentFailureRate", "0 to 1"]),
        (&["--parameter", "Architecture=sparc"], &["Architecture", "arm64, x86_64"]),
        (&["--dynamodb-endpoint", "http://127.0.0.1:1"], &["DynamoDB", "endpoint"]),
        (&["--sqs-endpoint", "http://127.0.0.1:1"], &["SQS", "endpoint"]),
        (&["--data", "/dev/null/folder"], &["/dev/null/folder", "--data"]),
    ] {
        let error = refused(arguments).await;
        assert!(words.iter().all(|word| error.contains(word)), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "one paragraph: {error}");
    }
}
