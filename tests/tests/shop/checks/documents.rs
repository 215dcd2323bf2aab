//! What the documents say of the tests holds: each test that they name exists, and each promise names one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use e2e::workspace;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// README.md, and all of docs/.
fn documents() -> Vec<PathBuf> {
    let mut documents = vec![workspace().join("README.md")];
    let mut folders = vec![workspace().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    documents
}

/// What a text has in backquotes, code blocks left out.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

/// The tests that a text names as `file.rs::test`.
fn tests(text: &str) -> impl Iterator<Item = (&str, &str)> {
    quoted(text).filter_map(|name| name.split_once(".rs::"))
}

/// The folder of a file of the suite, which has a name of its own.
fn folder(file: &str) -> PathBuf {
    let suite = workspace().join("tests/tests/shop");
    let holds = |folder: &&&str| suite.join(folder).join(format!("{file}.rs")).exists();
    suite.join(["routes", "flows", "checks"].iter().find(holds).unwrap_or(&""))
}

/// Whether there is such a test: in a file of the suite, or at a path from the repository's root.
fn exists(file: &str, test: &str) -> bool {
    let folder = if file.contains('/') { workspace().to_owned() } else { folder(file) };
    let Ok(source) = fs::read_to_string(folder.join(format!("{file}.rs"))) else { return false };
    let function = format!("fn {test}(");
    let mut lines = source.lines().map(str::trim_start);
    let mut marked = false;
    lines.any(|line| {
        let found = marked && line.trim_start_matches("async ").starts_with(&function);
        marked = line.starts_with("#[test]")
            || line.starts_with("#[tokio::test")
            || (marked && line.starts_with('#'));
        found
    })
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut named = 0;
    let mut missing = Vec::new();
    for document in documents() {
        for (file, test) in tests(&read(&document)) {
            named += 1;
            if !exists(file, test) {
                missing.push(format!("{}: {file}.rs::{test}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "there are no such tests:\n{}", missing.join("\n"));
    assert!(named > 60, "{named} tests are named: this proves nothing");
    assert!(!exists("orders", "no_such_test") && !exists("orders", "read") && !exists("no_such_file", "x"));
}

#[test]
fn every_test_that_the_saga_names_exists() {
    for step in payments::saga::ORDER_FLOW {
        let (file, test) = step.test.split_once(".rs::").unwrap();
        assert!(exists(file, test), "{}, {}: there is no test {}", step.function, step.action, step.test);
    }
}

#[test]
fn every_promise_names_its_test_or_says_that_none_can_tell() {
    let semantics = read(&workspace().join("docs/semantics.md"));
    let (promises, _) = semantics.split_once("\n## What is not promised").unwrap();
    // A promise is the paragraph or two that begin with bold words.
    let promises: Vec<_> = promises.split("\n**").skip(1).collect();
    let bare = promises
        .iter()
        .filter(|promise| tests(promise).next().is_none() && !promise.contains("no test can tell"));
    assert_eq!(bare.collect::<Vec<_>>(), Vec::<&&str>::new(), "promises without a test");
    assert!(promises.len() > 20, "{} promises: this proves nothing", promises.len());
}

#[test]
fn the_deliberate_bugs_are_those_that_are_listed() {
    let semantics = read(&workspace().join("docs/semantics.md"));
    let (_, seen_red) = semantics.split_once("\n## Seen red").unwrap();
    let (_, table) = seen_red.split_once("| broken |").unwrap();
    let mut listed: Vec<_> = quoted(table).map(str::to_owned).collect();
    let patches = fs::read_dir(workspace().join("tests/mutants")).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut patches: Vec<_> = patches.map(|entry| name(entry.unwrap().path())).collect();
    listed.sort();
    patches.sort();
    assert_eq!(listed, patches);
}
