//! Faults on demand: what AWS does to an application once in a while, here as often as a test wants it.
//!
//! Functions know nothing of it. A fault strikes at the counting proxies, on either side of a call, or at the Runtime API
//! where a function answers. Rules are set by `--faults FILE` or `PUT /_local/faults`; each strikes at its rate, from a
//! seed, and counts how often it could have struck and did.

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
    /// How many transactions that are under way write each item.
    transactions: HashMap<String, usize>,
}

/// A rule, and how it went.
#[derive(Clone, Debug, Serialize)]
pub struct Active {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// How often it could have struck.
    pub met: u64,
    /// How often it did.
    pub struck: u64,
}

/// Where a fault may strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
    Response,
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

    /// Puts these rules in place of all others.
    pub fn set(&self, plan: Plan) {
        let mut state = self.state();
        state.random = fastrand::Rng::with_seed(plan.seed);
        state.rules = plan.rules.into_iter().map(|rule| Active { rule, met: 0, struck: 0 }).collect();
    }

    /// The rules, and how they went.
    #[must_use]
    pub fn rules(&self) -> Vec<Active> {
        self.state().rules.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults that strike here and now, in the order of their rules.
    fn strike(
        &self,
        side: Side,
        caller: &str,
        service: Option<meter::Service>,
        operation: &str,
    ) -> Vec<Fault> {
        let mut guard = self.state();
        let State { rules, random, .. } = &mut *guard;
        let fits = |active: &&mut Active| {
            side_of(&active.rule.fault) == side && active.rule.fits(caller, service, operation)
        };
        let mut struck = Vec::new();
        for active in rules.iter_mut().filter(fits) {
            active.met += 1;
            let spent = active.rule.times.is_some_and(|times| active.struck >= times);
            if !spent && random.f64() < active.rule.rate {
                active.struck += 1;
                struck.push(active.rule.fault.clone());
            }
        }
        struck
    }

    /// Whether the process dies instead of answering its invocation.
    pub(crate) fn kills_response(&self, function: &str) -> bool {
        !self.strike(Side::Response, function, None, "").is_empty()
    }

    /// Ends the process that signs so. Its call goes nowhere.
    fn kill(&self, call: &InterceptedCall) -> RequestAction {
        self.access_keys.kill(&call.caller);
        RequestAction::Disconnect
    }

    async fn decide_before(&self, call: &InterceptedCall) -> RequestAction {
        let caller = self.access_keys.name(&call.caller);
        let (mut decision, mut judges_overlaps) = (RequestAction::Forward, false);
        for fault in self.strike(Side::Before, &caller, Some(call.service), &call.operation) {
            decision = match fault {
                Fault::Delay { ms } => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    continue;
                }
                Fault::Error { name } => responses::error(call.service, &name),
                Fault::Conflict => responses::conflict(&vec![true; call.written_items().len()]),
                Fault::Overlap => {
                    judges_overlaps = true;
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
        // Last, because what is judged to pass is under way from then on.
        if decision == RequestAction::Forward && self.watches_overlaps() {
            decision = self.enter(call, judges_overlaps);
        }
        decision
    }

    /// Remembers what a transaction writes for as long as it is under way. If overlaps are judged, a write that touches
    /// what another transaction writes is refused, as DynamoDB does.
    fn enter(&self, call: &InterceptedCall, judges: bool) -> RequestAction {
        let (written, transacted) = (call.written_items(), call.operation == "TransactWriteItems");
        let mut state = self.state();
        let busy =
            |item: &Option<String>| item.as_ref().is_some_and(|item| state.transactions.contains_key(item));
        let overlaps: Vec<bool> = written.iter().map(busy).collect();
        if judges && overlaps.contains(&true) {
            return if transacted {
                responses::conflict(&overlaps)
            } else {
                responses::error(call.service, "TransactionConflictException")
            };
        }
        for item in written.into_iter().flatten().filter(|_| transacted) {
            *state.transactions.entry(item).or_default() += 1;
        }
        RequestAction::Forward
    }

    fn watches_overlaps(&self) -> bool {
        let state = self.state();
        let wanted = |active: &Active| active.rule.fault == Fault::Overlap;
        !state.transactions.is_empty() || state.rules.iter().any(wanted)
    }

    fn leave(&self, call: &InterceptedCall) {
        if call.operation != "TransactWriteItems" || !self.watches_overlaps() {
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
        self.leave(call);
        let caller = self.access_keys.name(&call.caller);
        let mut decision = ResponseAction::Forward;
        for fault in self.strike(Side::After, &caller, Some(call.service), &call.operation) {
            if fault == Fault::KillAfter {
                self.access_keys.kill(&call.caller);
            }
            decision = ResponseAction::Disconnect;
        }
        decision
    }
}

fn side_of(fault: &Fault) -> Side {
    match fault {
        Fault::CutAfter | Fault::KillAfter => Side::After,
        Fault::KillResponse => Side::Response,
        _ => Side::Before,
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
