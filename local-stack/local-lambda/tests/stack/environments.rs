//! Execution environments: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Running, puppet};

const RECORDED: &str =
    "      Timeout: 2\n      MemorySize: 128\n      Environment: {Variables: {RECORD: $RECORD}}";

fn error_type(answer: &crate::harness::Response) -> Value {
    assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, "Unhandled"), "{answer:?}");
    answer.json()["errorType"].clone()
}

#[tokio::test]
async fn an_idle_environment_is_reused_and_a_busy_one_is_not() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    for _ in 0..3 {
        assert_eq!(stack.invoke(&json!({"a": 1})).await.json(), json!({"a": 1}));
    }
    let processes = |from: usize| {
        let recorded = stack.recorded();
        recorded[from..].iter().map(|seen| seen["process_id"].as_u64().unwrap()).collect::<HashSet<_>>()
    };
    assert_eq!(processes(0).len(), 1, "one after the other: one environment");
    let slow = json!({"puppet": {"sleep_ms": 300}});
    join_all((0..4).map(|_| stack.invoke(&slow))).await;
    assert_eq!(processes(3).len(), 4, "all at once: one environment each");
    let starts: Vec<_> = stack.lines_of("invocation").iter().map(|line| line["start"].clone()).collect();
    assert_eq!(starts.iter().filter(|start| *start == "cold").count(), 4);
    assert_eq!(starts[0], "cold");
    stack.stop().await;
}

#[tokio::test]
async fn a_timeout_kills_the_process_and_is_reported() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let answer = stack.invoke(&json!({"puppet": {"sleep_ms": 10_000}})).await;
    assert_eq!(error_type(&answer), "Sandbox.Timedout");
    let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(message.ends_with("Task timed out after 2.00 seconds"), "{message}");
    let process = stack.recorded()[0]["process_id"].clone();
    stack
        .eventually("the process ends", |_| {
            (!std::fs::exists(format!("/proc/{process}")).unwrap()).then_some(())
        })
        .await;
    assert_eq!(stack.invoke(&json!({})).await.json(), json!({}), "the next one gets a new environment");
    stack.stop().await;
}

#[tokio::test]
async fn crashes_errors_and_panics_are_reported_differently() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let exit = stack.invoke(&json!({"puppet": {"exit": 3}})).await;
    assert_eq!(error_type(&exit), "Runtime.ExitError");
    let message = exit.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(message.ends_with("Error: Runtime exited with error: exit status 3"), "{message}");
    let error = stack.invoke(&json!({"puppet": {"error": "no such thing"}})).await;
    assert_eq!(error.json()["errorMessage"], "no such thing");
    let panic = stack.invoke(&json!({"puppet": {"panic": "at the disco"}})).await;
    assert!(panic.json()["errorMessage"].as_str().unwrap().contains("at the disco"), "{panic:?}");
    let environments: Vec<_> =
        stack.lines_of("invocation").iter().map(|line| line["start"].clone()).collect();
    assert_eq!(environments, ["cold", "cold", "warm"], "an error leaves its environment, an exit does not");
    stack.stop().await;
}

#[tokio::test]
async fn memory_beyond_memory_size_ends_the_process() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let within = stack.invoke(&json!({"puppet": {"allocate_mb": 64, "answer": "held"}})).await;
    assert_eq!(within.json(), "held");
    let most = stack.lines_of("invocation")[0]["most_memory_mb"].as_u64().unwrap();
    assert!((64..128).contains(&most), "{most}");
    let beyond = stack.invoke(&json!({"puppet": {"allocate_mb": 256}})).await;
    assert_eq!(error_type(&beyond), "Runtime.OutOfMemory");
    stack.stop().await;
}

#[tokio::test]
async fn init_that_fails_is_retried_once_and_then_reported() {
    for (init, expected) in
        [("{\"exit\": 7}", "Runtime.ExitError"), ("{\"error\": \"no\"}", "Runtime.ExitError")]
    {
        let variables = format!("      Environment: {{Variables: {{INIT: '{init}'}}}}");
        let stack = Running::start(&puppet(&variables, ""), &[]).await;
        let answer = stack.invoke(&json!({})).await;
        assert_eq!(error_type(&answer), expected, "{init}");
        let tried: Vec<_> = stack.lines_of("stack").iter().map(|line| line["message"].to_string()).collect();
        let again = tried.iter().filter(|line| line.contains("init failed and is tried once more")).count();
        assert_eq!(again, 1, "{tried:?}");
        stack.stop().await;
    }
}

#[tokio::test]
async fn beyond_the_concurrency_callers_get_429() {
    for (property, flags) in
        [("      ReservedConcurrentExecutions: 2\n", vec![]), ("", vec!["--account-concurrency", "2"])]
    {
        let stack = Running::start(&puppet(&format!("{property}{RECORDED}"), ""), &flags).await;
        let slow = json!({"puppet": {"sleep_ms": 500}});
        let answers = join_all((0..5).map(|_| stack.invoke(&slow))).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 429, 429, 429], "{flags:?}");
        let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
        assert_eq!(refused.header("x-amzn-errortype"), "TooManyRequestsException");
        stack.stop().await;
    }
}

#[tokio::test]
async fn unused_environments_are_retired() {
    let stack = Running::start(&puppet(RECORDED, ""), &["--retire-after", "1"]).await;
    stack.invoke(&json!({})).await;
    let process = stack.recorded()[0]["process_id"].clone();
    stack
        .eventually("it ends", |_| (!std::fs::exists(format!("/proc/{process}")).unwrap()).then_some(()))
        .await;
    stack.invoke(&json!({})).await;
    assert_eq!(stack.lines_of("invocation")[1]["start"], "cold");
    stack.stop().await;
}

#[tokio::test]
async fn functions_see_lambdas_variables_and_their_own() {
    let stack = Running::start(&puppet(RECORDED, ""), &["--region", "eu-central-1"]).await;
    stack.invoke(&json!({})).await;
    let seen = &stack.recorded()[0];
    let variables = &seen["environment"];
    for (name, expected) in [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "puppet"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("TZ", ":UTC"),
    ] {
        assert_eq!(variables[name], expected, "{name}");
    }
    assert!(variables["RECORD"].as_str().unwrap().ends_with("record"));
    assert!(variables.get("HOME").is_none(), "nothing of the machine's own: {variables}");
    assert!(variables.get("AWS_EXECUTION_ENV").is_none(), "OS-only runtimes do not have it: {variables}");
    assert_eq!(seen["function_arn"], "arn:aws:lambda:eu-central-1:000000000000:function:puppet");
    stack.stop().await;
}

#[tokio::test]
async fn each_environment_has_its_own_temporary_files_which_are_removed_with_it() {
    let stack = Running::start(&puppet(RECORDED, ""), &[]).await;
    let slow = json!({"puppet": {"sleep_ms": 200}});
    join_all((0..2).map(|_| stack.invoke(&slow))).await;
    let folders: HashSet<_> = stack
        .recorded()
        .iter()
        .map(|seen| seen["environment"]["TMPDIR"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(folders.len(), 2);
    assert!(folders.iter().all(|folder| std::fs::exists(folder).unwrap()));
    stack.stop().await;
    assert!(!folders.iter().any(|folder| std::fs::exists(folder).unwrap()));
}
