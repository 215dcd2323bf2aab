//! The calls that functions make to DynamoDB and SQS, as the stack's counting proxies saw them.

use std::time::Duration;

use serde_json::Value;

use crate::{Shop, eventually};

/// A call is counted a moment after its response.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);

/// A place in the stack's log of calls.
#[derive(Debug)]
pub struct Calls<'a> {
    shop: &'a Shop,
    seen: u64,
}

impl<'a> Calls<'a> {
    /// Begins with the first call of all.
    #[must_use]
    pub fn of(shop: &'a Shop) -> Self {
        Self { shop, seen: 0 }
    }

    /// Waits for at least so many calls since the last look, and returns all since then.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn take(&mut self, at_least: usize) -> Vec<Value> {
        self.take_if(at_least, |_| true).await
    }

    async fn take_if(&mut self, at_least: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let path = format!("/_local/calls?after={}", self.seen);
        let (calls, last) = eventually(COUNTED_WITHIN, || async {
            let calls = self.shop.control.get(&path).response().await.json();
            let calls = calls["calls"].as_array().unwrap();
            let last = calls.last().and_then(|call| call["number"].as_u64());
            let calls: Vec<_> = calls.iter().filter(|call| wanted(call)).cloned().collect();
            if calls.len() >= at_least { Ok((calls, last)) } else { Err(calls) }
        })
        .await;
        self.seen = last.unwrap_or(self.seen);
        calls
    }

    /// Compares the calls of one function since the last look with `DynamoDB Query` and the like, in any order.
    ///
    /// # Panics
    /// When they are others.
    pub async fn are_made_by(&mut self, function: &str, expected: &[String], what: &str) {
        let calls = self.take_if(expected.len(), |call| call["function"] == function).await;
        let show = |call: &Value| {
            let service = if call["service"] == "sqs" { "SQS" } else { "DynamoDB" };
            format!("{service} {}", call["operation"].as_str().unwrap())
        };
        let (mut calls, mut expected): (Vec<_>, _) = (calls.iter().map(show).collect(), expected.to_vec());
        calls.sort();
        expected.sort();
        assert_eq!(calls, expected, "the calls to AWS for events/{what}.json");
    }

    /// Holds the calls since the last look to what is expected, in any order; `show` makes a line of each.
    ///
    /// # Panics
    /// When they are others.
    pub async fn are(&mut self, what: &str, expected: &[&str], show: impl Fn(&Value) -> String) {
        let mut calls: Vec<_> = self.take(expected.len()).await.iter().map(show).collect();
        let mut expected: Vec<_> = expected.iter().map(|line| (*line).to_owned()).collect();
        calls.sort();
        expected.sort();
        assert_eq!(calls, expected, "{what}");
    }
}
