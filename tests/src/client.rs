//! A small HTTP client that keeps whole answers.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Legacy, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

use crate::eventually;

/// Talks to one server.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    host: Option<String>,
    http: Legacy<HttpsConnector<HttpConnector>, Full<Bytes>>,
    orders: Arc<Mutex<BTreeSet<String>>>,
}

/// Reading the system's trust roots takes a while, so it is done once.
static CONNECTOR: LazyLock<HttpsConnector<HttpConnector>> = LazyLock::new(|| {
    HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .unwrap()
        .https_or_http()
        .enable_http1()
        .build()
});

/// A request that is being put together.
#[derive(Clone, Debug)]
pub struct Request {
    client: Client,
    method: &'static str,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether an answer before this one was unclear.
    repeated: bool,
}

/// Longer than the slowest request of any test.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// How long a request is repeated until its answer is clear.
const CLEAR_WITHIN: Duration = Duration::from_secs(60);

impl Client {
    /// A client of the server at `base`: `http://127.0.0.1:3000`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            host: None,
            http: Legacy::builder(TokioExecutor::new()).build(CONNECTOR.clone()),
            orders: Arc::default(),
        }
    }

    /// The same client, asking for another host than it connects to: an emulator tells APIs apart by it.
    #[must_use]
    pub fn asking_for(self, host: Option<&str>) -> Self {
        Self { host: host.map(str::to_owned), ..self }
    }

    /// A client for what the backend does not have: its requests fail with the need that the test did not name.
    pub(crate) fn missing(need: &str) -> Self {
        Self { base: format!("the test did not say needs!({need}), so there is no "), ..Self::new("") }
    }

    /// The orders that were made or found again over this client.
    pub(crate) fn orders_made(&self) -> BTreeSet<String> {
        self.orders.lock().unwrap().clone()
    }

    /// A GET request.
    #[must_use]
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    /// A POST request with a JSON body.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Request {
        self.request("POST", path).header("content-type", "application/json").body(body.to_string())
    }

    /// Any request.
    #[must_use]
    pub fn request(&self, method: &'static str, path: &str) -> Request {
        Request {
            client: self.clone(),
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }
}

impl Request {
    /// Adds a header; the value may be any bytes.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it.
    ///
    /// # Errors
    /// When no whole answer comes back.
    pub async fn send(self) -> Result<Answer, String> {
        let mut request =
            http::Request::builder().method(self.method).uri(format!("{}{}", self.client.base, self.path));
        let host = self.client.host.iter().map(|host| ("host", host.as_bytes()));
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        for (name, value) in host.chain(headers) {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(self.body))
            .map_err(|error| format!("{error} in {} {}{}", self.method, self.client.base, self.path))?;
        let whole = async {
            let (parts, body) =
                self.client.http.request(request).await.map_err(|error| format!("{error:?}"))?.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, repeated: false })
        };
        let answer: Result<Answer, String> =
            tokio::time::timeout(ANSWER_WITHIN, whole).await.map_err(|_| "no answer".to_owned())?;
        let answer = answer?;
        if let (200 | 201, Some(id)) = (answer.status, answer.header("location").strip_prefix("/orders/")) {
            self.client.orders.lock().unwrap().insert(id.to_owned());
        }
        Ok(answer)
    }

    /// Sends it once and expects an answer, whatever it says.
    ///
    /// # Panics
    /// When none comes.
    pub async fn first_answer(self) -> Answer {
        self.send().await.unwrap()
    }

    /// Sends it as a client does that takes a 503 at its word: again, if that cannot do anything twice. A machine that stands
    /// still for a few seconds is no failure of the shop's; that it is not unavailable for nothing, is for the random histories
    /// and for schemathesis to see.
    ///
    /// # Panics
    /// When no answer comes, or none but 503.
    pub async fn answer(self) -> Answer {
        if self.may_be_repeated() {
            self.repeated_while(|status| status == 503).await
        } else {
            self.first_answer().await
        }
    }

    /// Sends it as a client does that does not give up where functions are killed: again, also when nobody can tell what
    /// became of it (500).
    ///
    /// # Panics
    /// When no answer comes, or none that is clear, and for a request that could do something twice.
    pub async fn clear_answer(self) -> Answer {
        assert!(self.may_be_repeated(), "{} {} could make two orders: give it a key", self.method, self.path);
        self.repeated_while(|status| matches!(status, 500 | 503)).await
    }

    async fn repeated_while(&self, unclear: impl Fn(u16) -> bool) -> Answer {
        let repeated = AtomicBool::new(false);
        eventually(CLEAR_WITHIN, || async {
            let mut answer = self.clone().first_answer().await;
            answer.repeated = repeated.swap(true, Ordering::Relaxed);
            if unclear(answer.status) { Err(answer) } else { Ok(answer) }
        })
        .await
    }

    /// Everything but an order without a key.
    fn may_be_repeated(&self) -> bool {
        let keyed = self.headers.iter().any(|(name, _)| name == "idempotency-key");
        keyed || self.method != "POST" || self.path.ends_with("/cancel")
    }
}

impl Answer {
    /// Whether this request made an order. Asked again after an unclear answer, it may have found the one that it had made.
    #[must_use]
    pub fn made(&self) -> bool {
        self.status == 201 || (self.status == 200 && self.repeated)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    /// A header, empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The last part of the problem type, if the answer is a problem.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.header("content-type") != "application/problem+json" {
            return None;
        }
        let body = self.json();
        assert_eq!(body["status"], self.status, "the body tells another status");
        body["type"].as_str()?.strip_prefix("urn:farthing:problem:").map(str::to_owned)
    }
}
