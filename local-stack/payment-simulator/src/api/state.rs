//! What the provider keeps: its ledger, and the responses under idempotency keys.

use std::{collections::HashMap, io, path::Path};

use serde_json::{Value, json};

use super::{
    Response,
    action::Action,
    response::{error, of_ledger, payment_intent, refund},
};
use crate::{
    journal::{Entry, Journal},
    ledger::{Ledger, PaymentIntent, PaymentIntentStatus},
};

/// How often `tok_flaky` fails before it succeeds.
const FLAKY_FAILURES: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) ledger: Ledger,
    keys: HashMap<String, KeyRecord>,
    journal: Option<Journal>,
}

/// The request under an idempotency key, and its response.
#[derive(Debug)]
struct KeyRecord {
    request: String,
    /// None while the request is in progress.
    response: Option<Response>,
}

impl State {
    /// An empty ledger, or the one of the journal.
    pub(super) fn open(journal: Option<&Path>) -> io::Result<Self> {
        let mut state = Self::default();
        let Some(path) = journal else { return Ok(state) };
        let (journal, entries) = Journal::open(path)?;
        for entry in entries {
            match entry {
                Entry::Intent(intent) => state.ledger.put(intent),
                Entry::Answer { key, request, status, body } => {
                    let response = Some(Response::new(status, body));
                    state.keys.insert(key, KeyRecord { request, response });
                }
                Entry::KeysForgotten => state.keys.clear(),
            }
        }
        state.journal = Some(journal);
        Ok(state)
    }

    /// The response that an idempotency key determines; none for a new key, which is recorded.
    pub(super) fn response_for(&mut self, key: &str, request: &str) -> Option<Response> {
        let Some(record) = self.keys.get(key) else {
            self.keys.insert(key.to_owned(), KeyRecord { request: request.to_owned(), response: None });
            return None;
        };
        if record.request != request {
            let message = "Keys for idempotent requests can only be used with the same parameters.";
            return Some(error(400, "idempotency_error", json!({"message": message})));
        }
        let in_use = || {
            let message = "There is currently another in-progress request using this key.";
            error(409, "invalid_request_error", json!({"code": "idempotency_key_in_use", "message": message}))
        };
        let first = record.response.clone().map(|response| Response { replayed: true, ..response });
        Some(first.unwrap_or_else(in_use))
    }

    /// Forgets the key of a request that was not processed, as Stripe does.
    pub(super) fn forget(&mut self, key: Option<&str>) {
        if let Some(key) = key {
            self.keys.remove(key);
        }
    }

    /// Forgets all keys but those of requests in progress.
    pub(super) fn forget_keys(&mut self) {
        self.keys.retain(|_, record| record.response.is_none());
        self.write(&Entry::KeysForgotten);
    }

    /// Whether a confirmation of `tok_flaky` fails, which is counted.
    pub(super) fn fails_again(&mut self, action: &Action) -> bool {
        let Action::Confirm(id) = action else { return false };
        let Ok(intent) = self.ledger.get(id) else { return false };
        let fails = intent.status == PaymentIntentStatus::RequiresConfirmation
            && intent.confirmations < FLAKY_FAILURES;
        if fails {
            let confirmations = intent.confirmations + 1;
            let intent = PaymentIntent { confirmations, ..intent.clone() };
            self.write(&Entry::Intent(intent.clone()));
            self.ledger.put(intent);
        }
        fails
    }

    pub(super) fn process(&mut self, action: Action, key: Option<String>, request: String) -> Response {
        let ledger = &mut self.ledger;
        let (response, id) = match action {
            Action::Create(intent) => {
                let (body, id) = (payment_intent(&intent), intent.id.clone());
                ledger.put(intent);
                (Response::new(200, body), id)
            }
            Action::Retrieve(id) => (of_ledger(ledger.get(&id), payment_intent), id),
            Action::Confirm(id) => (of_ledger(ledger.confirm(&id), payment_intent), id),
            Action::Cancel(id) => (of_ledger(ledger.cancel(&id), payment_intent), id),
            Action::Refund(id) => (of_ledger(ledger.refund(&id), refund), id),
        };
        if let Ok(intent) = self.ledger.get(&id).cloned() {
            self.write(&Entry::Intent(intent));
        }
        self.keep(key, request, &response);
        response
    }

    /// Keeps the response under its key. Stripe does so with a failure, too.
    pub(super) fn keep(&mut self, key: Option<String>, request: String, response: &Response) {
        let Some(key) = key else { return };
        let Response { status, body, .. } = response.clone();
        self.write(&Entry::Answer { key: key.clone(), request: request.clone(), status, body });
        self.keys.insert(key, KeyRecord { request, response: Some(response.clone()) });
    }

    /// All payment intents, each with what `more` says of it.
    pub(super) fn intents(&self, more: impl Fn(&str) -> Value) -> Vec<Value> {
        let intents = self.ledger.all().map(|intent| {
            let mut value = json!(intent);
            value["calls"] = more(&intent.id);
            value
        });
        intents.collect()
    }

    fn write(&mut self, entry: &Entry) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.write(entry)
        {
            eprintln!("the simulated payment provider cannot write its journal: {error}");
        }
    }
}
