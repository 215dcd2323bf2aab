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
        // A browser takes the body for what its content type says.
        let response = lambda_http::Response::builder().status(self.status);
        let mut response = response.header("x-content-type-options", "nosniff");
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        Ok(response.body(self.body.map_or(Body::Empty, Body::Text))?)
    }
}

impl From<Problem> for Response {
    /// An error may be over at the next request, so nobody may store it.
    fn from(problem: Problem) -> Self {
        let response = Self::empty(problem.status())
            .header("content-type", "application/problem+json")
            .header("cache-control", "no-store");
        let response =
            problem.headers().iter().fold(response, |response, (name, value)| response.header(name, *value));
        match problem.retry_after() {
            Some(seconds) => response.header("retry-after", seconds.to_string()),
            None => response,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(response: Response) -> Vec<String> {
        let response = response.into_lambda_response().unwrap();
        let line = |(name, value): (_, &lambda_http::http::HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut lines: Vec<_> = response.headers().iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn no_problem_is_stored_and_no_response_is_sniffed() {
        for problem in
            [Problem::internal("x"), Problem::invalid(Vec::new()), Problem::new(404, "x", "x", "x")]
        {
            let expected = [
                "cache-control: no-store",
                "content-type: application/problem+json",
                "x-content-type-options: nosniff",
            ];
            assert_eq!(headers(problem.into()), expected);
        }
        assert!(headers(Problem::unavailable("x").into()).contains(&"retry-after: 1".to_owned()));
        assert_eq!(headers(Response::empty(304)), ["x-content-type-options: nosniff"]);
    }
}
