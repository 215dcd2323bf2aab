//! Stripe's API: requests on the ledger, and their idempotency keys.

mod response;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    time::Duration,
};

use payments::SIMULATOR_KEY;
use serde_json::json;
use tokio::sync::{Mutex, RwLock};

pub(crate) use self::response::Response;
use self::response::{error, invalid, of_ledger, payment_intent, refund};
use crate::{
    behaviour::Behaviour,
    form,
    journal::{Entry, Journal},
    ledger::{self, Ledger, PaymentIntent, PaymentIntentStatus, TokenBehaviour},
};

/// How often `tok_flaky` fails before it succeeds.
const FLAKY_FAILURES: u32 = 2;
/// How long the charge of `tok_late` takes.
const LATE_AFTER: Duration = Duration::from_secs(3);

/// A request with its whole body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// The provider.
#[derive(Debug)]
pub(crate) struct Api {
    behaviour: RwLock<Behaviour>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
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

/// A request to the ledger.
#[derive(Debug)]
enum Action {
    Create(PaymentIntent),
    Retrieve(String),
    Confirm(String),
    Cancel(String),
    Refund(String),
}

impl Api {
    pub(crate) fn new(behaviour: Behaviour, journal: Option<&Path>) -> io::Result<Self> {
        let mut state = State::default();
        if let Some(path) = journal {
            let (journal, entries) = Journal::open(path)?;
            for entry in entries {
                match entry {
                    Entry::Intent(intent) => state.ledger.put(intent),
                    Entry::Answer { key, request, status, body } => {
                        let response = Some(Response { status, body });
                        state.keys.insert(key, KeyRecord { request, response });
                    }
                }
            }
            state.journal = Some(journal);
        }
        Ok(Self { behaviour: RwLock::new(behaviour), state: Mutex::new(state) })
    }

    pub(crate) async fn respond(&self, request: Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/_simulator/ledger") => {
                let state = self.state.lock().await;
                let intents: Vec<_> = state.ledger.all().collect();
                Response { status: 200, body: json!({"payment_intents": intents}) }
            }
            ("PUT", "/_simulator/behaviour") => match serde_json::from_slice(&request.body) {
                Ok(behaviour) => {
                    *self.behaviour.write().await = behaviour;
                    Response { status: 200, body: json!({}) }
                }
                Err(error) => invalid("parameter_invalid", &error.to_string()),
            },
            _ => self.stripe(request).await,
        }
    }

    async fn stripe(&self, request: Request) -> Response {
        if request.authorization.as_deref() != Some(&format!("Bearer {SIMULATOR_KEY}")) {
            return error(401, "invalid_request_error", json!({"message": "Invalid API Key provided"}));
        }
        let action = match Action::of(&request) {
            Ok(action) => action,
            Err(response) => return response,
        };
        let Behaviour { latency, failure_rate } = *self.behaviour.read().await;
        let behaviour = self.token_behaviour(&action).await;
        if behaviour == Some(TokenBehaviour::NeverResponds) {
            return std::future::pending().await;
        }
        let text = format!("{} {} {}", request.method, request.path, String::from_utf8_lossy(&request.body));
        let key = request.idempotency_key;
        if let Some(key) = &key
            && let Some(response) = self.response_for(key, &text).await
        {
            tokio::time::sleep(latency.pick()).await;
            return response;
        }
        let extra = if behaviour == Some(TokenBehaviour::CapturesLate) { LATE_AFTER } else { Duration::ZERO };
        tokio::time::sleep(latency.pick() + extra).await;
        let mut state = self.state.lock().await;
        // Like Stripe, the key of a request that was not processed is not kept.
        if fastrand::f64() < failure_rate {
            state.forget(key.as_deref());
            return error(500, "api_error", json!({"message": "simulated failure"}));
        }
        if behaviour == Some(TokenBehaviour::FailsFirst) && state.fails_again(&action) {
            state.forget(key.as_deref());
            return error(503, "api_error", json!({"message": "simulated flaky attempt"}));
        }
        state.process(action, key, text)
    }

    /// The behaviour of the token, if the request confirms a payment intent.
    async fn token_behaviour(&self, action: &Action) -> Option<TokenBehaviour> {
        let Action::Confirm(id) = action else { return None };
        self.state.lock().await.ledger.get(id).ok().and_then(|intent| ledger::token_behaviour(&intent.token))
    }

    /// The response that an idempotency key determines; none for a new key, which is recorded.
    async fn response_for(&self, key: &str, request: &str) -> Option<Response> {
        let mut state = self.state.lock().await;
        let Some(record) = state.keys.get(key) else {
            state.keys.insert(key.to_owned(), KeyRecord { request: request.to_owned(), response: None });
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
        Some(record.response.clone().unwrap_or_else(in_use))
    }
}

impl State {
    fn forget(&mut self, key: Option<&str>) {
        if let Some(key) = key {
            self.keys.remove(key);
        }
    }

    /// Whether a confirmation of `tok_flaky` fails, which is counted.
    fn fails_again(&mut self, action: &Action) -> bool {
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

    fn process(&mut self, action: Action, key: Option<String>, request: String) -> Response {
        let ledger = &mut self.ledger;
        let (response, id) = match action {
            Action::Create(intent) => {
                let (body, id) = (payment_intent(&intent), intent.id.clone());
                ledger.put(intent);
                (Response { status: 200, body }, id)
            }
            Action::Retrieve(id) => (of_ledger(ledger.get(&id), payment_intent), id),
            Action::Confirm(id) => (of_ledger(ledger.confirm(&id), payment_intent), id),
            Action::Cancel(id) => (of_ledger(ledger.cancel(&id), payment_intent), id),
            Action::Refund(id) => (of_ledger(ledger.refund(&id), refund), id),
        };
        if let Ok(intent) = self.ledger.get(&id).cloned() {
            self.write(&Entry::Intent(intent));
        }
        if let Some(key) = key {
            let Response { status, body } = response.clone();
            self.write(&Entry::Answer { key: key.clone(), request: request.clone(), status, body });
            self.keys.insert(key, KeyRecord { request, response: Some(response.clone()) });
        }
        response
    }

    fn write(&mut self, entry: &Entry) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.write(entry)
        {
            eprintln!("the simulated payment provider cannot write its journal: {error}");
        }
    }
}

impl Action {
    fn of(request: &Request) -> Result<Self, Response> {
        let form = form::parse(&request.body);
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["v1", "payment_intents"]) => new_payment_intent(&form).map(Self::Create),
            ("GET", ["v1", "payment_intents", id]) => Ok(Self::Retrieve((*id).to_owned())),
            ("POST", ["v1", "payment_intents", id, "confirm"]) => Ok(Self::Confirm((*id).to_owned())),
            ("POST", ["v1", "payment_intents", id, "cancel"]) => Ok(Self::Cancel((*id).to_owned())),
            ("POST", ["v1", "refunds"]) => match form.get("payment_intent") {
                Some(id) => Ok(Self::Refund(id.clone())),
                None => Err(invalid("parameter_missing", "Missing required param: payment_intent.")),
            },
            (method, _) => {
                let message = format!("Unrecognized request URL ({method}: {}).", request.path);
                Err(error(404, "invalid_request_error", json!({"message": message})))
            }
        }
    }
}

/// The payment method: a token, or the id of one that exists.
fn token(form: &BTreeMap<String, String>) -> Result<String, Response> {
    let fields = ["payment_method", "payment_method_data[card][token]"];
    let Some((name, token)) = fields.iter().find_map(|name| Some((name, form.get(*name)?))) else {
        return Err(invalid("parameter_missing", "Missing required param: payment_method."));
    };
    if ledger::token_behaviour(token).is_none() {
        return Err(invalid("resource_missing", &format!("No such {name}: '{token}'")));
    }
    Ok(token.clone())
}

fn new_payment_intent(form: &BTreeMap<String, String>) -> Result<PaymentIntent, Response> {
    let field = |name: &str| {
        let missing = || invalid("parameter_missing", &format!("Missing required param: {name}."));
        form.get(name).cloned().ok_or_else(missing)
    };
    let amount = field("amount")?;
    let metadata = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    Ok(PaymentIntent {
        id: ledger::new_id("pi"),
        amount: amount
            .parse()
            .map_err(|_| invalid("parameter_invalid_integer", &format!("Invalid integer: {amount}")))?,
        currency: field("currency")?,
        token: token(form)?,
        status: PaymentIntentStatus::RequiresConfirmation,
        decline_code: None,
        charge: None,
        refund: None,
        confirmations: 0,
        refused: 0,
        metadata: metadata.collect(),
    })
}
