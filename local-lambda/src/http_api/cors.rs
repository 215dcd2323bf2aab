//! Cross-origin rules, answered by the API itself.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>: preflights never reach a
//! function, and whatever CORS headers a function sets are replaced.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use sam_template::Cors;

use crate::server::Answer;

#[derive(Debug)]
pub(crate) struct CorsRules(Cors);

impl CorsRules {
    pub(crate) fn new(cors: Cors) -> Self {
        Self(cors)
    }

    /// The answer to a preflight request; none for any other.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Answer> {
        let headers = request.headers();
        let preflight = request.method() == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !preflight {
            return None;
        }
        let mut answer = Response::new(Full::new(Bytes::new()));
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let Self(cors) = self;
        if self.allowed(headers.get(header::ORIGIN)).is_some() {
            let out = answer.headers_mut();
            list(out, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods);
            list(out, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers);
            if let Some(age) = cors.max_age {
                out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age.as_secs()));
            }
        }
        Some(answer)
    }

    /// Replaces the CORS headers of an answer to a request from `origin`.
    pub(crate) fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        let Some(allowed) = self.allowed(origin) else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        list(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.0.expose_headers);
        if self.0.allow_credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// What `Access-Control-Allow-Origin` says to this origin.
    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        let origin = origin?;
        let text = origin.to_str().ok()?;
        let matching = self.0.allow_origins.iter().find(|allowed| match allowed.split_once('*') {
            Some((before, after)) => text.starts_with(before) && text.ends_with(after),
            None => allowed.as_str() == text,
        })?;
        Some(if matching == "*" && !self.0.allow_credentials {
            HeaderValue::from_static("*")
        } else {
            origin.clone()
        })
    }
}

fn list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if !values.is_empty()
        && let Ok(value) = HeaderValue::from_str(&values.join(","))
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origins: &[&str]) -> CorsRules {
        CorsRules::new(Cors {
            allow_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            allow_methods: vec!["GET".to_owned(), "POST".to_owned()],
            expose_headers: vec!["location".to_owned()],
            ..Cors::default()
        })
    }

    fn allowed(rules: &CorsRules, origin: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        rules.apply(Some(&HeaderValue::from_static(origin)), &mut headers);
        headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn only_allowed_origins_get_headers() {
        assert_eq!(allowed(&rules(&["*"]), "https://a.example").as_deref(), Some("*"));
        let some = rules(&["https://a.example", "https://*.b.example"]);
        assert_eq!(allowed(&some, "https://a.example").as_deref(), Some("https://a.example"));
        assert_eq!(allowed(&some, "https://x.b.example").as_deref(), Some("https://x.b.example"));
        assert_eq!(allowed(&some, "https://c.example"), None);
    }

    #[test]
    fn preflights_are_answered_here() {
        let request = |method: Method| {
            let request = Request::builder().method(method).header("origin", "https://a.example");
            request.header("access-control-request-method", "POST").body(()).unwrap()
        };
        let answer = rules(&["*"]).preflight(&request(Method::OPTIONS)).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
        assert!(rules(&["*"]).preflight(&request(Method::GET)).is_none());
    }
}
