//! The response of a handler.

use domain_primitives::Problem;
use lambda_http::Body;
use serde::Serialize;

/// A successful response: a status, a JSON body or none, and headers.
#[derive(Debug)]
pub struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<String>,
}

impl Response {
    /// `status` with `value` as JSON.
    ///
    /// # Errors
    /// A 500 problem if the value cannot be written as JSON.
    pub fn json<T: Serialize>(status: u16, value: &T) -> Result<Self, Problem> {
        let body = serde_json::to_string(value).map_err(|error| crate::Error::Internal(error.to_string()))?;
        Ok(Self { status, headers: vec![("content-type", "application/json".to_owned())], body: Some(body) })
    }

    /// `status` without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// Adds a header. `value` must be visible ASCII.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The JSON body; empty when there is none.
    #[must_use]
    pub fn body(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }

    pub(super) fn into_lambda_response(self) -> Result<lambda_http::Response<Body>, lambda_http::Error> {
        let mut response = lambda_http::Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        Ok(response.body(self.body.map_or(Body::Empty, Body::Text))?)
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let response = Self::empty(problem.status()).header("content-type", "application/problem+json");
        match problem.retry_after() {
            Some(seconds) => response.header("retry-after", seconds.to_string()),
            None => response,
        }
    }
}
