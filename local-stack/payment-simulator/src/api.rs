//! Stripe's API: requests on the ledger, and their idempotency keys.

mod action;
mod response;
mod state;

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use payments::TestCard;
use serde_json::json;
use tokio::sync::Mutex;

pub(crate) use self::response::Response;
use self::{
    action::Action,
    response::{error, invalid, rate_limited},
    state::State,
};
use crate::{behaviour::Behaviour, requests::Requests};

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
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Requests>,
    state: Mutex<State>,
}

impl Api {
    pub(crate) fn new(behaviour: Behaviour, journal: Option<&Path>) -> io::Result<Self> {
        Ok(Self {
            behaviour: Mutex::new(behaviour),
            requests: Mutex::default(),
            state: Mutex::new(State::open(journal)?),
        })
    }

    pub(crate) async fn respond(&self, request: Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/_simulator/ledger") => self.ledger().await,
            ("PUT", "/_simulator/behaviour") => match serde_json::from_slice::<Behaviour>(&request.body) {
                Ok(behaviour) => {
                    if behaviour.forget_keys {
                        self.state.lock().await.forget_keys();
                    }
                    *self.behaviour.lock().await = behaviour;
                    Response::new(200, json!({}))
                }
                Err(error) => invalid("parameter_invalid", &error.to_string()),
            },
            _ => self.stripe(request).await,
        }
    }

    async fn ledger(&self) -> Response {
        let requests = self.requests.lock().await;
        let intents = self.state.lock().await.intents(|intent| requests.about(intent).into());
        let requests = json!({"total": requests.total, "rate_limited": requests.rate_limited,
            "unauthorized": requests.unauthorized, "failed": requests.failed});
        Response::new(200, json!({"payment_intents": intents, "requests": requests}))
    }

    async fn stripe(&self, request: Request) -> Response {
        let behaviour = self.behaviour.lock().await.clone();
        if !self.requests.lock().await.admit(behaviour.rate_limit, Instant::now()) {
            return rate_limited();
        }
        let key = request.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "));
        if !key.is_some_and(|key| behaviour.api_keys.iter().any(|accepted| accepted == key)) {
            self.requests.lock().await.unauthorized += 1;
            return error(401, "invalid_request_error", json!({"message": "Invalid API Key provided"}));
        }
        let action = match Action::of(&request) {
            Ok(action) => action,
            Err(response) => return response,
        };
        let known = action.intent().map(str::to_owned);
        let response = self.process(request, action, &behaviour).await;
        // An intent that is created now, or was under the same key, is in the response.
        let intent = known.or_else(|| response.body["id"].as_str().map(str::to_owned));
        if let Some(intent) = intent {
            self.requests.lock().await.count(&intent);
        }
        response
    }

    async fn process(&self, request: Request, action: Action, behaviour: &Behaviour) -> Response {
        let card = self.card(&action).await;
        if card == Some(TestCard::Unavailable) {
            return std::future::pending().await;
        }
        let text = format!("{} {} {}", request.method, request.path, String::from_utf8_lossy(&request.body));
        let key = request.idempotency_key;
        if let Some(key) = &key {
            let response = self.state.lock().await.response_for(key, &text);
            if let Some(response) = response {
                tokio::time::sleep(behaviour.latency.pick()).await;
                return response;
            }
        }
        let extra = if card == Some(TestCard::Late) { LATE_AFTER } else { Duration::ZERO };
        tokio::time::sleep(behaviour.latency.pick() + extra).await;
        if fastrand::f64() < behaviour.failure_rate {
            self.requests.lock().await.failed += 1;
            let response = error(500, "api_error", json!({"message": "simulated failure"}));
            self.state.lock().await.keep(key, text, &response);
            return response;
        }
        let mut state = self.state.lock().await;
        if card == Some(TestCard::Flaky) && state.fails_again(&action) {
            // Like Stripe, the key of a request that was not processed is not kept.
            state.forget(key.as_deref());
            return error(503, "api_error", json!({"message": "simulated flaky attempt"}));
        }
        state.process(action, key, text)
    }

    /// The test card, if the request confirms a payment intent.
    async fn card(&self, action: &Action) -> Option<TestCard> {
        let Action::Confirm(id) = action else { return None };
        self.state.lock().await.ledger.get(id).ok().and_then(|intent| TestCard::of(&intent.token))
    }
}
