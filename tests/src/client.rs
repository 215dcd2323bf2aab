//! A small HTTP client that keeps whole answers.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as Legacy, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Talks to one server.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    http: Legacy<HttpConnector, Full<Bytes>>,
}

/// A request that is being put together.
#[derive(Debug)]
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
}

/// Longer than the slowest request of any test.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

impl Client {
    /// A client of the server at `base`: `http://127.0.0.1:3000`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { base: base.to_owned(), http: Legacy::builder(TokioExecutor::new()).build_http() }
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
        for (name, value) in &self.headers {
            request = request.header(name.as_str(), value.as_slice());
        }
        let request = request.body(Full::new(self.body)).map_err(|error| error.to_string())?;
        let whole = async {
            let (parts, body) =
                self.client.http.request(request).await.map_err(|error| format!("{error:?}"))?.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        tokio::time::timeout(ANSWER_WITHIN, whole).await.map_err(|_| "no answer".to_owned())?
    }

    /// Sends it and expects an answer.
    ///
    /// # Panics
    /// When none comes.
    pub async fn answer(self) -> Answer {
        self.send().await.unwrap()
    }
}

impl Answer {
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
