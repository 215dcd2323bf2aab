//! Every event in events/ is one that its function answers as its name says.

use std::{collections::BTreeMap, fs, path::Path};

use e2e::{Shop, functions, needs};
use serde_json::Value;

/// The file name is the function's name and, after that, the case.
fn fixtures() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("events");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    json.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap())
    })
    .collect()
}

/// The status that an HTTP fixture is answered with.
fn status(case: &str) -> u64 {
    match case {
        "" | "-category" | "-paged" | "-replay" => 200,
        "-declined" => 201,
        "-not-modified" => 304,
        "-bad-cursor" | "-bad-limit" | "-broken-json" | "-invalid" => 400,
        "-not-found" | "-bad-id" | "-unknown-product" => 404,
        "-out-of-stock" => 409,
        "-too-large" => 413,
        "-wrong-content-type" => 415,
        other => panic!("what should a fixture {other} be answered with?"),
    }
}

#[tokio::test]
async fn every_fixture_is_answered_as_its_name_says() {
    needs!(Invoke, Tables);
    let shop = Shop::start().await;
    let fixtures = fixtures();
    let functions = functions();
    for function in &functions {
        assert!(fixtures.contains_key(function), "events/{function}.json is missing");
    }
    for (name, event) in &fixtures {
        let function = functions
            .iter()
            .find(|function| name.starts_with(*function))
            .unwrap_or_else(|| panic!("events/{name}.json is for no function"));
        let case = name.strip_prefix(function.as_str()).unwrap();
        let answer = shop.invoke(function, event).await;
        assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, ""), "{name}: {answer:?}");
        let answer = answer.json();
        if event.get("routeKey").is_some() {
            let made = function == "create-order" && case.is_empty();
            let made_before = function == "get-order" && case.is_empty();
            let expected = if made { 201 } else { status(case) };
            assert_eq!(answer["statusCode"], expected, "{name}: {answer}");
            assert!(
                !made_before || answer["body"].as_str().unwrap().contains("order_id"),
                "{name}: {answer}"
            );
        } else if let Some(records) = event.get("Records").and_then(Value::as_array) {
            let failed = answer["batchItemFailures"].as_array().unwrap().len();
            let expected = if case == "-partial" { 1 } else { 0 };
            assert_eq!(failed, expected, "{name}: {answer}");
            assert!(case != "-partial" || records.len() > 1, "{name} is no partial batch");
        }
    }
    shop.settle().await;
}
