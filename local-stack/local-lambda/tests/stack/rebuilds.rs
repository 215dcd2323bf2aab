//! Rebuilt binaries and `--watch`.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::harness::{Running, examples, puppet};

#[tokio::test]
async fn a_rebuilt_binary_replaces_its_environments_and_drops_nothing_in_flight() {
    let binaries = tempfile::tempdir().unwrap();
    let binary = binaries.path().join("puppet");
    fs::copy(examples().join("puppet"), &binary).unwrap();
    let variables = "      Timeout: 10\n      Environment: {Variables: {RECORD: $RECORD}}";
    let flags = ["--bin-dir", binaries.path().to_str().unwrap()];
    let stack = Running::start(&puppet(variables, ""), &flags).await;
    stack.invoke(&json!({})).await;

    let slow = json!({"puppet": {"sleep_ms": 1500, "answer": "still here"}});
    let (slow, ()) = tokio::join!(stack.invoke(&slow), async {
        stack
            .eventually("the slow one is under way", |stack| (stack.recorded().len() == 2).then_some(()))
            .await;
        // cargo replaces the old file in the same way.
        let built = binaries.path().join("built");
        fs::copy(examples().join("puppet"), &built).unwrap();
        fs::rename(&built, &binary).unwrap();
        let replaced = |stack: &Running| {
            let lines = stack.lines_of("stack");
            lines
                .iter()
                .any(|line| line["message"] == "puppet: rebuilt, its environments are replaced")
                .then_some(())
        };
        stack.eventually("the stack sees it", replaced).await;
    });
    assert_eq!(slow.json(), "still here");
    stack.invoke(&json!({})).await;
    let processes: Vec<_> = stack.recorded().iter().map(|seen| seen["process_id"].clone()).collect();
    assert_eq!(processes[0], processes[1], "the idle environment took the slow one");
    assert_ne!(processes[1], processes[2], "and does not come back after it");
    stack.stop().await;
}

/// A copy of the greeter that a test can edit: a crate with one binary, so its template need not name it.
fn greeter() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/greeter");
    fs::create_dir(folder.path().join("src")).unwrap();
    for file in ["Cargo.toml", "src/main.rs", "src/greeting.rs"] {
        fs::copy(source.join(file), folder.path().join(file)).unwrap();
    }
    folder
}

async fn greeting(stack: &Running) -> Value {
    stack.invoke_function("greeter", &json!({})).await.json()
}

#[tokio::test]
async fn watch_rebuilds_on_save_and_survives_a_compile_error() {
    let project = greeter();
    let template = format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  Greeter:\n    Type: AWS::Serverless::Function\n    \
         Metadata: {{BuildMethod: rust-cargolambda}}\n    \
         Properties: {{FunctionName: greeter, Runtime: provided.al2023, CodeUri: {}}}\n",
        project.path().display()
    );
    let stack = Running::start(&template, &["--watch"]).await;
    assert_eq!(greeting(&stack).await, "hello");

    let source = project.path().join("src/greeting.rs");
    fs::write(&source, "pub const GREETING: &str = nonsense;").unwrap();
    let failed = |stack: &Running| {
        let lines = stack.lines_of("stack");
        lines.iter().any(|line| line["message"].as_str().unwrap().contains("could not build")).then_some(())
    };
    stack.eventually("the build fails", failed).await;
    assert_eq!(greeting(&stack).await, "hello", "what ran goes on");

    fs::write(&source, "pub const GREETING: &str = \"good morning\";").unwrap();
    let replaced = |stack: &Running| {
        let lines = stack.lines_of("stack");
        lines
            .iter()
            .any(|line| line["message"] == "greeter: rebuilt, its environments are replaced")
            .then_some(())
    };
    stack.eventually("the new build is seen", replaced).await;
    assert_eq!(greeting(&stack).await, "good morning");
    stack.stop().await;
}
