//! Which requests a server accepts.
//!
//! A page of any web site, open in a browser on this machine, can send requests to loopback ports. What it sends carries
//! its origin, or the browser's word that it comes from another site; and if the page's own name is made to point to
//! 127.0.0.1 (DNS rebinding), the header `Host` still has that name.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use serde_json::json;

use crate::host::{InvalidHost, host, split};

/// Who may send requests to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Programs and pages of this machine. Requests that name another host, or come from a page of another, get status
    /// 403; and no page may read a response, because none has headers of CORS.
    OfThisMachine,
    /// Anyone. The service checks its requests by itself.
    Any,
}

impl Clients {
    /// The response to a request that is refused.
    pub(crate) fn refusal(self, parts: &Parts) -> Option<Response<Full<Bytes>>> {
        if self == Self::Any {
            return None;
        }
        let named = match host(parts) {
            Ok(named) => named,
            Err(InvalidHost) => {
                return Some(refuse(
                    StatusCode::BAD_REQUEST,
                    "a request needs one header Host, and a valid one",
                ));
            }
        };
        if let Some(host) = named.filter(|host| !is_loopback(host)) {
            let text = format!(
                "this server is for programs on its own machine, and the request names the host {host}. Send it to \
                 127.0.0.1, localhost or [::1]"
            );
            return Some(refuse(StatusCode::FORBIDDEN, &text));
        }
        let text =
            |name: &str| parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let foreign = match text("origin") {
            Some(origin) if is_loopback_origin(&origin) => None,
            Some(origin) => Some(format!("a page of {origin}")),
            None => text("sec-fetch-site")
                .filter(|site| site == "cross-site")
                .map(|_| "a page of another site".to_owned()),
        };
        foreign.map(|page| {
            let text =
                format!("this server is for programs on its own machine, and the request comes from {page}");
            refuse(StatusCode::FORBIDDEN, &text)
        })
    }

    /// Removes from a response what would let a page read it.
    pub(crate) fn withhold(self, headers: &mut HeaderMap) {
        if self == Self::Any {
            return;
        }
        let grants: Vec<_> =
            headers.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
        for name in grants {
            headers.remove(name);
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let (name, _) = split(host);
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|loopback| name.eq_ignore_ascii_case(loopback))
}

/// An origin is `SCHEME://HOST[:PORT]`, or `null` for a page that has none, such as a file.
fn is_loopback_origin(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, host)| is_loopback(host))
}

/// The members are those of AWS's errors, so that clients of any of the servers show the text.
fn refuse(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let body = json!({
        "__type": "AccessDeniedException", "message": text, "errorType": "AccessDeniedException", "errorMessage": text,
    });
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// The status of the refusal, 200 if there is none.
    fn status(headers: &[(&str, &str)]) -> u16 {
        let request =
            headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
        let parts = request.body(()).unwrap().into_parts().0;
        assert!(Clients::Any.refusal(&parts).is_none());
        Clients::OfThisMachine.refusal(&parts).map_or(200, |response| response.status().as_u16())
    }

    #[test]
    fn requests_must_name_this_machine() {
        for host in ["127.0.0.1", "127.0.0.1:9000", "localhost:9000", "LOCALHOST", "[::1]:9000", "[::1]"] {
            assert_eq!(status(&[("host", host)]), 200, "{host}");
        }
        for host in [
            "shop.example",
            "shop.example:9000",
            "127.0.0.1.shop.example",
            "localhost.shop.example",
            "0.0.0.0",
        ] {
            assert_eq!(status(&[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(&[]), 400);
        assert_eq!(status(&[("host", "localhost"), ("host", "localhost")]), 400);
    }

    #[test]
    fn pages_of_other_machines_are_refused() {
        let host = ("host", "127.0.0.1:9000");
        for origin in ["http://localhost:5173", "http://127.0.0.1", "https://[::1]:80"] {
            assert_eq!(
                status(&[host, ("origin", origin), ("sec-fetch-site", "cross-site")]),
                200,
                "{origin}"
            );
        }
        for origin in [
            "https://shop.example",
            "null",
            "http://localhost.shop.example",
            "http://localhost@shop.example",
            "",
        ] {
            assert_eq!(status(&[host, ("origin", origin)]), 403, "{origin}");
        }
        // An image or a link of a page is requested without an origin.
        assert_eq!(status(&[host, ("sec-fetch-site", "cross-site")]), 403);
        assert_eq!(status(&[host, ("sec-fetch-site", "none")]), 200);
    }

    #[test]
    fn a_response_does_not_let_pages_read_it() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Clients::OfThisMachine.withhold(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), [header::CONTENT_TYPE]);
    }
}
