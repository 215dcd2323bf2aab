//! `cargo lambda watch` routes requests as template.yaml does: by a table in Cargo.toml, which this holds to the
//! template.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use e2e::{routes, workspace};
use serde_json::Value;

#[test]
fn the_router_of_cargo_lambda_watch_mirrors_the_template() {
    let mut expected = BTreeMap::<_, BTreeSet<_>>::new();
    for (function, route) in routes() {
        expected.entry(route.path).or_default().insert((route.method, function));
    }
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let text = |route: &Value, name: &str| route[name].as_str().unwrap().to_owned();
    let router = metadata["metadata"]["lambda"]["watch"]["router"].as_object().unwrap().iter();
    let router: BTreeMap<_, _> = router
        .map(|(path, routes)| {
            let routes = routes.as_array().unwrap().iter();
            (path.clone(), routes.map(|route| (text(route, "method"), text(route, "function"))).collect())
        })
        .collect();
    assert_eq!(router, expected, "Cargo.toml, [workspace.metadata.lambda.watch.router]");
}
