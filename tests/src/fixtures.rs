//! The events of events/, and how each is to be answered.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::Shop;

/// An event for a function.
#[derive(Debug)]
pub struct Fixture {
    /// Its file.
    pub path: PathBuf,
    /// The function that it is for.
    pub function: String,
    /// What is special about it, `-declined`; empty for the plain case.
    pub case: String,
    /// What the function gets.
    pub event: Value,
}

/// All of them in the order of their names: the plain case, which others build on, comes first. Cancellations are last,
/// for orders that others have made. To have them answered, take [`one_by_one`].
///
/// # Panics
/// When one cannot be read, or is for no function.
#[must_use]
pub fn fixtures() -> Vec<Fixture> {
    let folder = crate::workspace().join("events");
    let functions = crate::functions();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let fixture = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let function = functions.iter().find(|function| name.starts_with(*function));
        let function = function.unwrap_or_else(|| panic!("events/{name}.json is for no function")).clone();
        let case = name.strip_prefix(&function).unwrap().to_owned();
        let event = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        Fixture { path, function, case, event }
    };
    let mut fixtures: Vec<_> = json.map(fixture).collect();
    fixtures.sort_by_key(|fixture| (fixture.function == "cancel-order", fixture.name()));
    fixtures
}

/// Has all of them answered in their order, each when the orders of `shop` are as far as it expects; `needs!(Tables)`.
///
/// # Panics
/// When orders do not end in time.
pub async fn one_by_one(shop: &Shop, mut answer: impl AsyncFnMut(&Fixture)) {
    for fixture in &fixtures() {
        if fixture.waits_for_ends() {
            shop.settle().await;
        }
        answer(fixture).await;
    }
}

impl Fixture {
    /// The name of the file without its ending.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}{}", self.function, self.case)
    }

    /// Whether it is a request to a route.
    #[must_use]
    pub fn is_http(&self) -> bool {
        self.event.get("routeKey").is_some()
    }

    /// Whether what it is answered, or what it leads to, is only known of an order that has ended: giving up a payment
    /// that is under way would fail an order that others count on, and what is cancelled must have been paid.
    fn waits_for_ends(&self) -> bool {
        matches!(self.function.as_str(), "fail-payment" | "cancel-order")
    }

    /// Holds a function's answer to what the fixture's name says.
    ///
    /// # Errors
    /// What is expected instead.
    ///
    /// # Panics
    /// When the name says nothing that is known here.
    pub fn check(&self, answer: &Value) -> Result<(), String> {
        if self.is_http() {
            let expected = self.status();
            let holds = answer["statusCode"] == expected;
            return if holds { Ok(()) } else { Err(format!("not status {expected}: {answer}")) };
        }
        let Some(records) = self.event.get("Records").and_then(Value::as_array) else { return Ok(()) };
        assert!(self.case != "-partial" || records.len() > 1, "{} is no partial batch", self.name());
        let expected = if self.case == "-partial" { 1 } else { 0 };
        let failed = answer["batchItemFailures"].as_array().map(Vec::len);
        if failed == Some(expected) { Ok(()) } else { Err(format!("not {expected} failures: {answer}")) }
    }

    fn status(&self) -> u64 {
        match (self.function.as_str(), self.case.as_str()) {
            ("create-order", "" | "-declined") => 201,
            (_, "" | "-category" | "-paged" | "-replay") => 200,
            (_, "-not-modified") => 304,
            (_, "-bad-cursor" | "-bad-limit" | "-broken-json" | "-invalid" | "-invalid-utf8") => 400,
            (_, "-not-found" | "-bad-id" | "-unknown-product") => 404,
            (_, "-conflict" | "-out-of-stock") => 409,
            (_, "-too-large") => 413,
            (_, "-wrong-content-type") => 415,
            (_, "-key-reused") => 422,
            (_, other) => panic!("what should a fixture {other} be answered with?"),
        }
    }
}
