//! The calls that functions make to DynamoDB and SQS, as the stack's counting proxies saw them.

use std::time::Duration;

use serde_json::Value;

use crate::{Shop, eventually};

/// A call is counted a moment after its answer.
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

    /// Waits for at least so many calls since the last look, and takes all that there are.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn take(&mut self, at_least: usize) -> Vec<Value> {
        let path = format!("/_local/calls?after={}", self.seen);
        let calls = eventually(COUNTED_WITHIN, || async {
            let answer = self.shop.control.get(&path).answer().await;
            let calls = answer.json()["calls"].as_array().unwrap().clone();
            if calls.len() >= at_least { Ok(calls) } else { Err(calls) }
        })
        .await;
        self.seen = calls.iter().filter_map(|call| call["number"].as_u64()).max().unwrap_or(self.seen);
        calls
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
