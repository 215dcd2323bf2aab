//! Every event in events/ is one that its function answers as its name says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use e2e::{Shop, functions};
use serde_json::Value;

/// An event that a file of events/ holds.
#[derive(Debug)]
pub(crate) struct Fixture {
    /// The function that it is for.
    pub(crate) function: String,
    /// What is special about it, `-declined`; nothing in the plain case.
    pub(crate) case: String,
}

/// The file name is the function's name and, after that, the case.
pub(crate) fn fixtures() -> Vec<(Fixture, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("events");
    let functions = functions();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    // By name without its ending, so that the plain case, which later ones build on, comes first.
    paths.sort_by_key(|path| path.file_stem().map(std::ffi::OsStr::to_owned));
    let fixture = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let function = functions.iter().find(|function| name.starts_with(*function));
        let function = function.unwrap_or_else(|| panic!("events/{name}.json is for no function")).clone();
        let case = name.strip_prefix(&function).unwrap().to_owned();
        (Fixture { function, case }, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
    };
    paths.iter().map(fixture).collect()
}

/// The status that an HTTP fixture is answered with.
fn status(case: &str) -> u64 {
    match case {
        "" | "-category" | "-paged" | "-replay" => 200,
        "-declined" => 201,
        "-not-modified" => 304,
        "-bad-cursor" | "-bad-limit" | "-broken-json" | "-invalid" | "-invalid-utf8" => 400,
        "-not-found" | "-bad-id" | "-unknown-product" => 404,
        "-out-of-stock" => 409,
        "-too-large" => 413,
        "-key-reused" => 422,
        "-wrong-content-type" => 415,
        other => panic!("what should a fixture {other} be answered with?"),
    }
}

#[tokio::test]
async fn every_fixture_is_answered_as_its_name_says() {
    let shop = Shop::start().await;
    let fixtures = fixtures();
    for function in functions() {
        let has_one =
            fixtures.iter().any(|(fixture, _)| fixture.function == function && fixture.case.is_empty());
        assert!(has_one, "events/{function}.json is missing");
    }
    for (Fixture { function, case }, event) in &fixtures {
        let name = format!("{function}{case}");
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
