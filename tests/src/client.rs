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

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether a response before this one was a 500 or 503.
    repeated: bool,
}

/// Longer than the slowest request of any test.
const RESPONSE_WITHIN: Duration = Duration::from_secs(40);
/// How long a request is retried.
const DEFINITE_WITHIN: Duration = Duration::from_secs(60);

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

    /// The same client, asking for another host than it connects to: an emulator distinguishes APIs by it.
    #[must_use]
    pub fn asking_for(self, host: Option<&str>) -> Self {
        Self { host: host.map(str::to_owned), ..self }
    }

    /// A client for what the backend does not have: its requests fail with the need that the test did not name.
    pub(crate) fn missing(need: &str) -> Self {
        Self { base: format!("the test did not say needs!({need}), so there is no "), ..Self::new("") }
    }

    /// The orders that were made or found again over this client.
    pub(crate) fn orders_placed(&self) -> BTreeSet<String> {
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
    /// When no whole response comes back.
    pub async fn send(self) -> Result<Response, String> {
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
            Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body, repeated: false })
        };
        let response: Result<Response, String> =
            tokio::time::timeout(RESPONSE_WITHIN, whole).await.map_err(|_| "no answer".to_owned())?;
        let response = response?;
        if let (200 | 201, Some(id)) = (response.status, response.header("location").strip_prefix("/orders/"))
        {
            self.client.orders.lock().unwrap().insert(id.to_owned());
        }
        Ok(response)
    }

    /// Sends it once, and returns the response, whatever its status.
    ///
    /// # Panics
    /// When none comes.
    pub async fn first_response(self) -> Response {
        self.send().await.unwrap()
    }

    /// Sends it, and retries while the response is 503, if a retry cannot do anything twice: a test machine that stands still
    /// for seconds is no failure of the shop. That 503 stays rare is checked by the random histories and by schemathesis.
    ///
    /// # Panics
    /// When no response comes, or only 503.
    pub async fn response(self) -> Response {
        if self.may_be_repeated() {
            self.retried_while(|status| status == 503).await
        } else {
            self.first_response().await
        }
    }

    /// Sends it, and retries while the response is 500 or 503: where functions are killed, a 500 does not say whether the
    /// request was carried out.
    ///
    /// # Panics
    /// When no response comes, or only 500 and 503, and for a request that could do something twice.
    pub async fn definite_response(self) -> Response {
        assert!(self.may_be_repeated(), "{} {} could make two orders: give it a key", self.method, self.path);
        self.retried_while(|status| matches!(status, 500 | 503)).await
    }

    async fn retried_while(&self, retries: impl Fn(u16) -> bool) -> Response {
        let repeated = AtomicBool::new(false);
        eventually(DEFINITE_WITHIN, || async {
            let mut response = self.clone().first_response().await;
            response.repeated = repeated.swap(true, Ordering::Relaxed);
            if retries(response.status) { Err(response) } else { Ok(response) }
        })
        .await
    }

    /// Everything but an order without a key.
    fn may_be_repeated(&self) -> bool {
        let keyed = self.headers.iter().any(|(name, _)| name == "idempotency-key");
        keyed || self.method != "POST" || self.path.ends_with("/cancel")
    }
}

impl Response {
    /// Whether this request made an order. Sent again after a 500 or 503, it may have found the order that it had made.
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

    /// The last part of the problem type, if the response is a problem.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.header("content-type") != "application/problem+json" {
            return None;
        }
        let body = self.json();
        assert_eq!(body["status"], self.status, "the body has another status");
        body["type"].as_str()?.strip_prefix("urn:farthing:problem:").map(str::to_owned)
    }
}
