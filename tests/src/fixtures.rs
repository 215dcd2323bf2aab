//! The sample events in `events/<function>/<case>.json`, each with the response that its function must give.
//!
//! A file is a complete event with one more member, [`Expected`], which functions ignore.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

use crate::{Client, Request, Response, Shop};

/// An event for a function.
#[derive(Debug)]
pub struct Fixture {
    /// Its file.
    pub path: PathBuf,
    /// The function that receives it: the name of its folder.
    pub function: String,
    /// `create-order/declined`
    pub name: String,
    /// What the function receives.
    pub event: Value,
    /// What the function must do with it.
    pub expected: Expected,
}

/// The member `expected` of an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expected {
    /// Events that must have been sent before, by name; the payments of their orders are settled by then.
    pub needs: BTreeSet<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Headers that the response has, among others.
    pub headers: BTreeMap<String, String>,
    /// Members that the response's JSON body has, among others.
    pub body: Value,
    /// The records of the batch that fail: `messageId`, or the sequence number in a stream.
    pub failed: Option<Vec<String>>,
    /// How many messages the function moves to the payments dead-letter queue.
    pub dead_letters: u32,
    /// The calls to AWS that the function makes, in any order: `DynamoDB Query`.
    pub calls: Option<Vec<String>>,
}

/// All of them, sorted by name, except that an event comes after those that it needs.
///
/// # Panics
/// When one cannot be read, is for no function, or needs one that does not exist.
#[must_use]
pub fn fixtures() -> Vec<Fixture> {
    let functions = crate::functions();
    let mut unsorted = BTreeMap::new();
    for folder in entries(&crate::workspace().join("events")) {
        let function = file_stem(&folder);
        assert!(functions.contains(&function), "template.yaml has no function for events/{function}/");
        for path in entries(&folder) {
            let fixture = Fixture::read(path, &function).unwrap_or_else(|error| panic!("{error}"));
            unsorted.insert(fixture.name.clone(), fixture);
        }
    }
    let mut sorted = Vec::new();
    while let Some(name) = unsorted.keys().next().cloned() {
        take(&name, &mut unsorted, &mut sorted);
    }
    sorted
}

/// Moves a fixture to the end of `sorted`, after those that it needs.
fn take(name: &str, unsorted: &mut BTreeMap<String, Fixture>, sorted: &mut Vec<Fixture>) {
    let Some(fixture) = unsorted.remove(name) else { return };
    for needed in &fixture.expected.needs {
        take(needed, unsorted, sorted);
        let sent = sorted.iter().any(|other| other.name == *needed);
        assert!(sent, "events/{name}.json needs {needed}, which does not exist or needs it in turn");
    }
    sorted.push(fixture);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn file_stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// Sends all of them in their order; `needs!(Tables)`.
///
/// # Panics
/// When the payment of an order that one of them needs is not settled in time.
pub async fn one_by_one(shop: &Shop, mut send: impl AsyncFnMut(&Fixture)) {
    for fixture in &fixtures() {
        if !fixture.expected.needs.is_empty() {
            shop.settle().await;
        }
        send(fixture).await;
    }
}

impl Fixture {
    fn read(path: PathBuf, function: &str) -> Result<Self, String> {
        let name = format!("{function}/{}", file_stem(&path));
        let wrong = |error: &dyn std::fmt::Display| format!("events/{name}.json: {error}");
        let text = fs::read(&path).map_err(|error| wrong(&error))?;
        let event: Value = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
        let expected = Expected::deserialize(&event["expected"]).map_err(|error| wrong(&error))?;
        if event.get("routeKey").is_some() && expected.status.is_none() {
            return Err(wrong(&r#"add "expected": {"status": ...}"#));
        }
        if event.get("Records").is_some() && expected.failed.is_none() {
            return Err(wrong(&r#"add "expected": {"failed": [...]}, empty if no record fails"#));
        }
        Ok(Self { path, function: function.to_owned(), name, event, expected })
    }

    /// Whether it is a request to a route that succeeds.
    #[must_use]
    pub fn is_successful_request(&self) -> bool {
        self.expected.status.is_some_and(|status| status < 300)
    }

    /// The HTTP request that the event comes from, if it is of one.
    ///
    /// # Panics
    /// When the event is not as API Gateway makes it.
    #[must_use]
    pub fn request(&self, client: &Client) -> Option<Request> {
        let (method, _) = self.event["routeKey"].as_str()?.split_once(' ')?;
        let method = ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method);
        let text = |name: &str| self.event[name].as_str().unwrap_or_default();
        let query = match text("rawQueryString") {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let body = match self.event["isBase64Encoded"].as_bool() {
            Some(true) => STANDARD.decode(text("body")).unwrap(),
            _ => text("body").as_bytes().to_vec(),
        };
        let request = client.request(method?, &format!("{}{query}", text("rawPath"))).body(body);
        let set_by_gateway = |name: &str| {
            ["host", "content-length"].contains(&name)
                || name.starts_with("x-forwarded-")
                || name.starts_with("x-amzn-")
        };
        let headers = self.event["headers"].as_object().unwrap().iter();
        let headers = headers.filter(|(name, _)| !set_by_gateway(name));
        Some(headers.fold(request, |request, (name, value)| request.header(name, value.as_str().unwrap())))
    }

    /// Compares what the function returned with what is expected.
    ///
    /// # Errors
    /// The difference.
    pub fn check(&self, returned: &Value) -> Result<(), String> {
        if self.expected.status.is_some() {
            let body = returned["body"].as_str().unwrap_or_default();
            let header = |name: &str| returned["headers"][name].as_str().unwrap_or_default().to_owned();
            return self.check_parts(&returned["statusCode"], header, body.as_bytes());
        }
        let Some(expected) = &self.expected.failed else { return Ok(()) };
        let failures = returned["batchItemFailures"].as_array().into_iter().flatten();
        let failed: Vec<_> = failures.filter_map(|failure| failure["itemIdentifier"].as_str()).collect();
        if failed == *expected { Ok(()) } else { Err(format!("expected failures {expected:?}: {returned}")) }
    }

    /// Compares a response over HTTP with what is expected.
    ///
    /// # Errors
    /// The difference.
    pub fn check_response(&self, response: &Response) -> Result<(), String> {
        let header = |name: &str| response.header(name).to_owned();
        self.check_parts(&response.status.into(), header, &response.body)
    }

    fn check_parts(
        &self,
        status: &Value,
        header: impl Fn(&str) -> String,
        body: &[u8],
    ) -> Result<(), String> {
        let Expected { status: expected_status, headers, body: expected_body, .. } = &self.expected;
        let shown = String::from_utf8_lossy(body);
        if *status != Value::from(*expected_status) {
            return Err(format!("expected status {expected_status:?}, not {status}: {shown}"));
        }
        for (name, expected) in headers {
            let actual = header(name);
            if actual != *expected {
                return Err(format!("expected {name}: {expected}, not {actual:?}"));
            }
        }
        let actual = serde_json::from_slice(body).unwrap_or_default();
        if expected_body.is_null() || contains(&actual, expected_body) {
            Ok(())
        } else {
            Err(format!("expected {expected_body} in the body: {shown}"))
        }
    }
}

/// Whether `actual` has all members of `expected`; the elements of arrays are compared one by one.
fn contains(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => expected
            .iter()
            .all(|(name, value)| actual.get(name).is_some_and(|actual| contains(actual, value))),
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len()
                && actual.iter().zip(expected).all(|(actual, expected)| contains(actual, expected))
        }
        _ => actual == expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_comes_after_those_that_it_needs() {
        let fixtures = fixtures();
        let place = |name: &str| fixtures.iter().position(|fixture| fixture.name == name).unwrap();
        for fixture in &fixtures {
            let needs = fixture.expected.needs.iter();
            assert!(needs.map(|needed| place(needed)).all(|needed| needed < place(&fixture.name)));
        }
    }

    #[test]
    fn what_is_expected_of_a_body_is_a_part_of_it() {
        let body = json!({"a": 1, "b": [{"c": 2, "d": 3}]});
        assert!(contains(&body, &json!({"b": [{"c": 2}]})));
        for different in [json!({"a": 2}), json!({"b": []}), json!({"b": [{"e": 2}]}), json!([])] {
            assert!(!contains(&body, &different), "{different}");
        }
    }
}
