//! Fault injection: failures that are rare on AWS, as often as a test needs them.
//!
//! Functions do not notice it. A fault is injected at the counting proxies, before or after a call, or at the Runtime API
//! when a function responds. `--faults FILE` or `PUT /_local/faults` sets the rules. Each rule is applied at its rate,
//! with random numbers from a seed, and counts how often it matched and how often it injected its fault.

mod responses;
mod rule;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use meter::{BoxFuture, CallInterceptor, InterceptedCall, RequestAction, ResponseAction};
use serde::Serialize;

pub use self::rule::{Fault, Plan, Rule};
use crate::access_keys::AccessKeys;

/// The rules in force.
#[derive(Debug)]
pub struct Faults {
    access_keys: Arc<AccessKeys>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rules: Vec<Active>,
    random: fastrand::Rng,
    /// How many running transactions write each item.
    transactions: HashMap<String, usize>,
}

/// A rule and its counters.
#[derive(Clone, Debug, Serialize)]
pub struct Active {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// How many calls or responses it matched.
    pub met: u64,
    /// How often it injected its fault.
    pub struck: u64,
}

/// Where a fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InjectionPoint {
    BeforeCall,
    AfterCall,
    FunctionResponse,
}

impl Faults {
    /// No rules yet.
    #[must_use]
    pub fn new(access_keys: Arc<AccessKeys>) -> Self {
        let random = fastrand::Rng::with_seed(0);
        Self {
            access_keys,
            state: Mutex::new(State { rules: Vec::new(), random, transactions: HashMap::new() }),
        }
    }

    /// Replaces all rules.
    pub fn set(&self, plan: Plan) {
        let mut state = self.state();
        state.random = fastrand::Rng::with_seed(plan.seed);
        state.rules = plan.rules.into_iter().map(|rule| Active { rule, met: 0, struck: 0 }).collect();
    }

    /// The rules and their counters.
    #[must_use]
    pub fn rules(&self) -> Vec<Active> {
        self.state().rules.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults to inject now, in the order of their rules.
    fn select(
        &self,
        point: InjectionPoint,
        caller: &str,
        service: Option<meter::Service>,
        operation: &str,
    ) -> Vec<Fault> {
        let mut guard = self.state();
        let State { rules, random, .. } = &mut *guard;
        let applies = |active: &&mut Active| {
            injection_point(&active.rule.fault) == point && active.rule.applies_to(caller, service, operation)
        };
        let mut selected = Vec::new();
        for active in rules.iter_mut().filter(applies) {
            active.met += 1;
            let exhausted = active.rule.times.is_some_and(|times| active.struck >= times);
            if !exhausted && random.f64() < active.rule.rate {
                active.struck += 1;
                selected.push(active.rule.fault.clone());
            }
        }
        selected
    }

    /// Whether the process crashes instead of responding to its invocation.
    pub(crate) fn kills_before_response(&self, function: &str) -> bool {
        !self.select(InjectionPoint::FunctionResponse, function, None, "").is_empty()
    }

    /// Kills the calling process, and does not forward its call.
    fn kill(&self, call: &InterceptedCall) -> RequestAction {
        self.access_keys.kill_environment(&call.caller);
        RequestAction::Disconnect
    }

    async fn decide_before(&self, call: &InterceptedCall) -> RequestAction {
        let caller = self.access_keys.caller_name(&call.caller);
        let (mut decision, mut rejects_overlaps) = (RequestAction::Forward, false);
        for fault in self.select(InjectionPoint::BeforeCall, &caller, Some(call.service), &call.operation) {
            decision = match fault {
                Fault::Delay { ms } => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    continue;
                }
                Fault::Error { name } => responses::error(call.service, &name),
                Fault::Conflict => responses::conflict(&vec![true; call.written_items().len()]),
                Fault::Overlap => {
                    rejects_overlaps = true;
                    continue;
                }
                Fault::CutBefore => RequestAction::Disconnect,
                Fault::KillBefore => self.kill(call),
                Fault::Duplicate => RequestAction::Duplicate,
                Fault::Postpone { seconds } => {
                    let mut random = self.state().random.fork();
                    responses::postponed(call, || random.u32(0..=seconds))
                }
                Fault::LoseDelete => responses::deleted(call),
                Fault::CutAfter | Fault::KillAfter | Fault::KillResponse => continue,
            };
        }
        // Last, because a transaction that is forwarded counts as running from now on.
        if decision == RequestAction::Forward && self.tracks_transactions() {
            decision = self.begin_write(call, rejects_overlaps);
        }
        decision
    }

    /// Remembers the items that a transaction writes while it runs. With `rejects_overlaps`, a write to an item of another
    /// running transaction is rejected, as DynamoDB does.
    fn begin_write(&self, call: &InterceptedCall, rejects_overlaps: bool) -> RequestAction {
        let (written, is_transaction) = (call.written_items(), call.operation == "TransactWriteItems");
        let mut state = self.state();
        let busy =
            |item: &Option<String>| item.as_ref().is_some_and(|item| state.transactions.contains_key(item));
        let overlaps: Vec<bool> = written.iter().map(busy).collect();
        if rejects_overlaps && overlaps.contains(&true) {
            return if is_transaction {
                responses::conflict(&overlaps)
            } else {
                responses::error(call.service, "TransactionConflictException")
            };
        }
        for item in written.into_iter().flatten().filter(|_| is_transaction) {
            *state.transactions.entry(item).or_default() += 1;
        }
        RequestAction::Forward
    }

    fn tracks_transactions(&self) -> bool {
        let state = self.state();
        let overlap = |active: &Active| active.rule.fault == Fault::Overlap;
        !state.transactions.is_empty() || state.rules.iter().any(overlap)
    }

    fn end_transaction(&self, call: &InterceptedCall) {
        if call.operation != "TransactWriteItems" || !self.tracks_transactions() {
            return;
        }
        let written = call.written_items();
        let mut state = self.state();
        for item in written.into_iter().flatten() {
            if let Some(count) = state.transactions.get_mut(&item) {
                *count = count.saturating_sub(1);
            }
        }
        state.transactions.retain(|_, count| *count > 0);
    }

    fn decide_after(&self, call: &InterceptedCall) -> ResponseAction {
        self.end_transaction(call);
        let caller = self.access_keys.caller_name(&call.caller);
        let mut decision = ResponseAction::Forward;
        for fault in self.select(InjectionPoint::AfterCall, &caller, Some(call.service), &call.operation) {
            if fault == Fault::KillAfter {
                self.access_keys.kill_environment(&call.caller);
            }
            decision = ResponseAction::Disconnect;
        }
        decision
    }
}

fn injection_point(fault: &Fault) -> InjectionPoint {
    match fault {
        Fault::CutAfter | Fault::KillAfter => InjectionPoint::AfterCall,
        Fault::KillResponse => InjectionPoint::FunctionResponse,
        _ => InjectionPoint::BeforeCall,
    }
}

impl CallInterceptor for Faults {
    fn on_request<'a>(&'a self, call: &'a InterceptedCall) -> BoxFuture<'a, RequestAction> {
        Box::pin(self.decide_before(call))
    }

    fn on_response<'a>(&'a self, call: &'a InterceptedCall) -> BoxFuture<'a, ResponseAction> {
        Box::pin(async { self.decide_after(call) })
    }
}
