//! Stripe's API on the ledger: the requests and their idempotency keys.

mod shape;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    time::Duration,
};

use serde_json::json;
use tokio::sync::{Mutex, RwLock};

pub(crate) use self::shape::Answer;
use self::shape::{answer, error, invalid, refund, shape};
use crate::{
    Behaviour, KEY, form,
    journal::{Entry, Journal},
    ledger::{self, Intent, Ledger, Status, Temper},
};

/// How often `tok_flaky` fails before it succeeds.
const FLAKY_FAILURES: u32 = 2;
/// How late the charge of `tok_late` is made.
const LATE: Duration = Duration::from_secs(3);

/// A request, read to its end.
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
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    ledger: Ledger,
    keys: HashMap<String, Known>,
    journal: Option<Journal>,
}

/// What is known of a request under an idempotency key.
#[derive(Debug)]
struct Known {
    request: String,
    /// None while it is under way.
    answer: Option<Answer>,
}

/// What a request asks for.
#[derive(Debug)]
enum Action {
    Create(Intent),
    Retrieve(String),
    Confirm(String),
    Cancel(String),
    Refund(String),
}

impl Api {
    pub(crate) fn new(behaviour: Behaviour, journal: Option<&Path>) -> io::Result<Self> {
        let mut books = Books::default();
        if let Some(path) = journal {
            let (journal, entries) = Journal::open(path)?;
            for entry in entries {
                match entry {
                    Entry::Intent(intent) => books.ledger.put(intent),
                    Entry::Answer { key, request, status, body } => {
                        let answer = Some(Answer { status, body });
                        books.keys.insert(key, Known { request, answer });
                    }
                }
            }
            books.journal = Some(journal);
        }
        Ok(Self { behaviour: RwLock::new(behaviour), books: Mutex::new(books) })
    }

    pub(crate) async fn answer(&self, request: Request) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/_simulator/ledger") => {
                let books = self.books.lock().await;
                let intents: Vec<_> = books.ledger.all().collect();
                Answer { status: 200, body: json!({"payment_intents": intents}) }
            }
            ("PUT", "/_simulator/behaviour") => match serde_json::from_slice(&request.body) {
                Ok(behaviour) => {
                    *self.behaviour.write().await = behaviour;
                    Answer { status: 200, body: json!({}) }
                }
                Err(error) => invalid("parameter_invalid", &error.to_string()),
            },
            _ => self.provider(request).await,
        }
    }

    async fn provider(&self, request: Request) -> Answer {
        if request.authorization.as_deref() != Some(&format!("Bearer {KEY}")) {
            return error(401, "invalid_request_error", json!({"message": "Invalid API Key provided"}));
        }
        let action = match Action::of(&request) {
            Ok(action) => action,
            Err(answer) => return answer,
        };
        let Behaviour { latency, failure_rate } = *self.behaviour.read().await;
        let temper = self.temper(&action).await;
        if temper == Some(Temper::Silent) {
            return std::future::pending().await;
        }
        let asked = format!("{} {} {}", request.method, request.path, String::from_utf8_lossy(&request.body));
        let key = request.idempotency_key;
        if let Some(key) = &key
            && let Some(answer) = self.known(key, &asked).await
        {
            tokio::time::sleep(latency.pick()).await;
            return answer;
        }
        let late = if temper == Some(Temper::Late) { LATE } else { Duration::ZERO };
        tokio::time::sleep(latency.pick() + late).await;
        let mut books = self.books.lock().await;
        // Like Stripe, nothing is remembered of a request that did not begin to be carried out.
        if fastrand::f64() < failure_rate {
            books.forget(key.as_deref());
            return error(500, "api_error", json!({"message": "simulated failure"}));
        }
        if temper == Some(Temper::Flaky) && books.flakes(&action) {
            books.forget(key.as_deref());
            return error(503, "api_error", json!({"message": "simulated flaky attempt"}));
        }
        books.carry_out(action, key, asked)
    }

    /// What the token of the intent does that is to be confirmed.
    async fn temper(&self, action: &Action) -> Option<Temper> {
        let Action::Confirm(id) = action else { return None };
        self.books.lock().await.ledger.get(id).ok().map(|intent| ledger::temper(&intent.token))
    }

    /// The answer that a key brings by itself; none when the request is new, which is noted.
    async fn known(&self, key: &str, asked: &str) -> Option<Answer> {
        let mut books = self.books.lock().await;
        let Some(known) = books.keys.get(key) else {
            books.keys.insert(key.to_owned(), Known { request: asked.to_owned(), answer: None });
            return None;
        };
        if known.request != asked {
            let message = "Keys for idempotent requests can only be used with the same parameters.";
            return Some(error(400, "idempotency_error", json!({"message": message})));
        }
        let in_use = || {
            let message = "There is currently another in-progress request using this key.";
            error(409, "invalid_request_error", json!({"code": "idempotency_key_in_use", "message": message}))
        };
        Some(known.answer.clone().unwrap_or_else(in_use))
    }
}

impl Books {
    fn forget(&mut self, key: Option<&str>) {
        if let Some(key) = key {
            self.keys.remove(key);
        }
    }

    /// Counts a confirmation that fails without an outcome, as long as there is one left.
    fn flakes(&mut self, action: &Action) -> bool {
        let Action::Confirm(id) = action else { return false };
        let Ok(intent) = self.ledger.get(id) else { return false };
        let flakes = intent.status == Status::RequiresConfirmation && intent.confirmations < FLAKY_FAILURES;
        if flakes {
            let confirmations = intent.confirmations + 1;
            let intent = Intent { confirmations, ..intent.clone() };
            self.note(&Entry::Intent(intent.clone()));
            self.ledger.put(intent);
        }
        flakes
    }

    fn carry_out(&mut self, action: Action, key: Option<String>, request: String) -> Answer {
        let ledger = &mut self.ledger;
        let (id, answer) = match action {
            Action::Create(intent) => {
                let answer = Answer { status: 200, body: shape(&intent) };
                let id = intent.id.clone();
                ledger.put(intent);
                (id, answer)
            }
            Action::Retrieve(id) => {
                let answer = answer(ledger.get(&id), shape);
                (id, answer)
            }
            Action::Confirm(id) => {
                let answer = answer(ledger.confirm(&id), shape);
                (id, answer)
            }
            Action::Cancel(id) => {
                let answer = answer(ledger.cancel(&id), shape);
                (id, answer)
            }
            Action::Refund(id) => {
                let answer = answer(ledger.refund(&id), refund);
                (id, answer)
            }
        };
        if let Ok(intent) = self.ledger.get(&id).cloned() {
            self.note(&Entry::Intent(intent));
        }
        if let Some(key) = key {
            let Answer { status, body } = answer.clone();
            self.note(&Entry::Answer { key: key.clone(), request: request.clone(), status, body });
            self.keys.insert(key, Known { request, answer: Some(answer.clone()) });
        }
        answer
    }

    fn note(&mut self, entry: &Entry) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.write(entry)
        {
            eprintln!("the simulated payment provider cannot write its journal: {error}");
        }
    }
}

impl Action {
    fn of(request: &Request) -> Result<Self, Answer> {
        let form = form::parse(&request.body);
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["v1", "payment_intents"]) => created(&form).map(Self::Create),
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

fn created(form: &BTreeMap<String, String>) -> Result<Intent, Answer> {
    let field = |name: &str| {
        let missing = || invalid("parameter_missing", &format!("Missing required param: {name}."));
        form.get(name).cloned().ok_or_else(missing)
    };
    let amount = field("amount")?;
    let metadata = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    Ok(Intent {
        id: ledger::name("pi"),
        amount: amount
            .parse()
            .map_err(|_| invalid("parameter_invalid_integer", &format!("Invalid integer: {amount}")))?,
        currency: field("currency")?,
        token: field("payment_method_data[card][token]")?,
        status: Status::RequiresConfirmation,
        decline_code: None,
        charge: None,
        refund: None,
        confirmations: 0,
        refused: 0,
        metadata: metadata.collect(),
    })
}
