//! `cargo lambda watch` routes requests as template.yaml does: by a table in Cargo.toml, which this holds to the
//! template.

use std::process::Command;

use e2e::routes;
use serde_json::{Value, json};

#[test]
fn the_router_of_cargo_lambda_watch_mirrors_the_template() {
    let mut expected = json!({});
    for (function, route) in routes() {
        expected[&route.path][&route.method] = json!(function);
    }
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let router = &metadata["metadata"]["lambda"]["watch"]["router"];
    assert_eq!(router, &expected, "Cargo.toml, [workspace.metadata.lambda.watch.router]");
}
