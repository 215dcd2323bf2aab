//! CORS, as the API itself implements it.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>: the API
//! responds to preflight requests that no route matches, and replaces the CORS headers of functions. Like AWS, it sends no
//! `Vary`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use sam_template::Cors;

use crate::server::HttpResponse;

#[derive(Debug)]
pub(crate) struct CorsRules(Cors);

impl CorsRules {
    pub(crate) fn new(cors: Cors) -> Self {
        Self(cors)
    }

    /// The response to a preflight request; none for any other request.
    pub(crate) fn preflight(&self, request: &Parts) -> Option<HttpResponse> {
        is_preflight(request).then(|| {
            let mut response = Response::new(Full::new(Bytes::new()));
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        })
    }

    /// Sets the CORS headers of this configuration on a response, and removes those that a function has set.
    pub(crate) fn apply(&self, request: &Parts, headers: &mut HeaderMap) {
        let own: Vec<_> =
            headers.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
        for name in own {
            headers.remove(name);
        }
        let Some(allowed) = self.allowed(request.headers.get(header::ORIGIN)) else { return };
        let Self(cors) = self;
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        list(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers);
        if cors.allow_credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if is_preflight(request) {
            list(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods);
            list(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers);
            if let Some(age) = cors.max_age {
                headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age));
            }
        }
    }

    /// The value of `Access-Control-Allow-Origin` for this origin.
    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        let origin = origin?;
        let text = origin.to_str().ok()?;
        let matching = self.0.allow_origins.iter().find(|allowed| match allowed.strip_suffix('*') {
            Some(scheme) => text.starts_with(scheme),
            None => allowed.as_str() == text,
        })?;
        Some(if matching == "*" { HeaderValue::from_static("*") } else { origin.clone() })
    }
}

fn is_preflight(request: &Parts) -> bool {
    request.method == Method::OPTIONS
        && request.headers.contains_key(header::ORIGIN)
        && request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
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
    use http::Request;

    use super::*;

    fn allowed(origins: &[&str], origin: &str) -> Option<String> {
        let rules = CorsRules::new(Cors {
            allow_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            ..Cors::default()
        });
        let mut headers = HeaderMap::new();
        let request = Request::get("/").header(header::ORIGIN, origin).body(()).unwrap();
        rules.apply(&request.into_parts().0, &mut headers);
        headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn http_api_cors_only_allowed_origins_get_headers() {
        assert_eq!(allowed(&["*"], "https://a.example").as_deref(), Some("*"));
        let some = ["http://localhost:1", "https://*"];
        assert_eq!(allowed(&some, "https://a.example").as_deref(), Some("https://a.example"));
        assert_eq!(allowed(&some, "http://localhost:1").as_deref(), Some("http://localhost:1"));
        assert_eq!(allowed(&some, "http://localhost:2"), None);
        assert_eq!(allowed(&[], "https://a.example"), None);
    }
}
