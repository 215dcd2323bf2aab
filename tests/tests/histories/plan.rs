//! What goes wrong while a batch of histories runs: faults of the local stack, and processes that are killed.

use std::{fmt, sync::LazyLock};

use proptest::{
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Value, json};

/// Failures of one message that it surely survives, before its order is too old for another attempt.
const SURVIVED: u64 = 2;

const FUNCTIONS: [&str; 6] =
    ["create-order", "cancel-order", "get-order", "request-payments", "process-payment", "fail-payment"];

/// The faults of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    pub(crate) rules: Vec<Rule>,
    /// Functions of which a process is killed, one after the other.
    pub(crate) crashes: Vec<&'static str>,
    /// What the payment provider does to everybody. None of it fails a payment.
    pub(crate) provider: Vec<Provider>,
}

/// How the payment provider behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Provider {
    /// It admits few requests a second.
    RateLimit(u64),
    /// It forgets idempotency keys again and again.
    ForgetsKeys,
    /// For a while, no request succeeds.
    Down,
    /// For a while, it does not accept the shop's key.
    KeyRevoked,
}

/// One rule of docs/faults.md.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rule {
    fault: Value,
    caller: &'static str,
    /// Without a bound, it strikes by chance for as long as the batch takes.
    times: Option<u64>,
}

impl Plan {
    /// The provider's behaviour for the whole batch, or for its beginning.
    pub(crate) fn behaviour(&self, beginning: bool) -> Value {
        let mut behaviour = CALM_PROVIDER.clone();
        for provider in &self.provider {
            match provider {
                Provider::RateLimit(limit) => behaviour["rate_limit"] = json!(limit),
                Provider::ForgetsKeys => behaviour["forget_keys"] = json!(true),
                Provider::Down if beginning => behaviour["failure_rate"] = json!(1),
                Provider::KeyRevoked if beginning => behaviour["api_keys"] = json!([]),
                Provider::Down | Provider::KeyRevoked => {}
            }
        }
        behaviour
    }

    /// Whether nothing goes wrong in the shop, so that each request gets its response at once.
    pub(crate) fn calm(&self) -> bool {
        self.rules.is_empty() && self.crashes.is_empty()
    }

    /// Whether a payment may fail so often that it is given up.
    pub(crate) fn gives_up(&self) -> bool {
        let pays = |caller: &str| matches!(caller, "process-payment" | "pollers");
        let struck = self.rules.iter().filter(|rule| pays(rule.caller)).filter_map(|rule| rule.times);
        let killed = self.crashes.iter().filter(|function| pays(function)).count();
        struck.sum::<u64>() + killed as u64 > SURVIVED
    }

    /// As the stack's control port takes it.
    pub(crate) fn to_json(&self, seed: u64) -> Value {
        let rules = self.rules.iter().map(|rule| {
            let mut json = json!({"fault": rule.fault, "caller": rule.caller, "rate": 0.3});
            match rule.times {
                Some(times) => json["times"] = json!(times),
                // What overlaps is refused always, as on AWS.
                None if rule.fault == "overlap" => json["rate"] = json!(1),
                None => {}
            }
            json
        });
        json!({"seed": seed, "rules": rules.collect::<Vec<_>>()})
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.calm() && self.provider.is_empty() {
            return write!(f, "no faults");
        }
        let rules = self.rules.iter().map(|rule| match rule.times {
            Some(times) => format!("{} of {}, {times} times", rule.fault, rule.caller),
            None => format!("{} of {}, by chance", rule.fault, rule.caller),
        });
        let crashes = self.crashes.iter().map(|function| format!("kill -9 of {function}"));
        let provider = self.provider.iter().map(|provider| format!("the provider: {provider:?}"));
        write!(f, "faults: {}", rules.chain(crashes).chain(provider).collect::<Vec<_>>().join("; "))
    }
}

/// What strikes a few times, since each strike costs a request its response or a message one of its receives.
fn hard() -> impl Strategy<Value = Rule> {
    let faults = vec![
        json!({"error": {"name": "InternalServerError"}}),
        json!({"error": {"name": "ThrottlingException"}}),
        json!("conflict"),
        json!("cut-before"),
        json!("cut-after"),
        json!("kill-before"),
        json!("kill-after"),
        json!("kill-response"),
    ];
    // Three at most: a stream record is tried ten times, and what then is lost waits ten minutes for the sweep.
    (select(faults), select(FUNCTIONS.to_vec()), 1..=3u64).prop_map(|(fault, caller, times)| Rule {
        fault,
        caller,
        times: Some(times),
    })
}

/// What a shop bears at any rate.
fn soft() -> impl Strategy<Value = Rule> {
    let rule = |(fault, caller)| Rule { fault, caller, times: None };
    let delay = json!({"delay": {"ms": 100}});
    select(vec![
        (json!("overlap"), "create-order"),
        (json!("overlap"), "cancel-order"),
        (json!("overlap"), "process-payment"),
        (json!("duplicate"), "request-payments"),
        (json!({"postpone": {"seconds": 2}}), "request-payments"),
        (json!("lose-delete"), "pollers"),
        (delay.clone(), "create-order"),
        (delay.clone(), "cancel-order"),
        (delay, "process-payment"),
    ])
    .prop_map(rule)
}

/// How the provider of a stack behaves when nothing is wrong with it.
pub(crate) static CALM_PROVIDER: LazyLock<Value> = LazyLock::new(|| json!({"latency_ms": "0..20"}));

fn providers() -> impl Strategy<Value = Vec<Provider>> {
    let kinds = vec![
        Provider::RateLimit(15),
        Provider::RateLimit(30),
        Provider::ForgetsKeys,
        Provider::Down,
        Provider::KeyRevoked,
    ];
    subsequence(kinds, 0..=2)
}

/// A plan for a batch; every fourth or so is calm, and in every third nothing is wrong with the provider.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let rules = prop::collection::vec(prop_oneof![1 => soft(), 2 => hard()], 0..=2);
    let crashes = subsequence(FUNCTIONS.to_vec(), 0..=2);
    let shop = prop_oneof![
        1 => Just((Vec::new(), Vec::new())),
        3 => (rules, crashes),
    ];
    (shop, providers()).prop_map(|((rules, crashes), provider)| Plan { rules, crashes, provider })
}
