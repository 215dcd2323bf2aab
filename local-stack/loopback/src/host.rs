//! The host that a request names.

use std::net::Ipv6Addr;

use http::{HeaderMap, HeaderValue, Version, header::HOST, request::Parts};

/// The request does not name one host, or names one that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHost;

/// The host and port that a request names: those of its target or else of its header `Host`, and none if it is HTTP/1.0
/// without that header.
///
/// <https://www.rfc-editor.org/rfc/rfc9112#section-3.2>: a request of HTTP/1.1 has exactly one valid `Host`.
///
/// # Errors
/// [`InvalidHost`], for which a server responds with status 400.
pub fn host(parts: &Parts) -> Result<Option<&str>, InvalidHost> {
    let header = header(&parts.headers, parts.version)?;
    Ok(parts.uri.authority().map(http::uri::Authority::as_str).or(header))
}

fn header(headers: &HeaderMap, version: Version) -> Result<Option<&str>, InvalidHost> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) => host.to_str().map(Some).map_err(|_| InvalidHost),
        (None, _) if version < Version::HTTP_11 => Ok(None),
        _ => Err(InvalidHost),
    }
}

/// Whether a value is a name or an address with an optional port. A name may have an underscore, as those of containers
/// do, though a domain name may not.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(value) = value.to_str() else { return false };
    let (name, port) = split(value);
    let named = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let begins = |c: char| c.is_ascii_alphanumeric() || c == '_';
            name.starts_with(begins) && name.chars().all(|c| begins(c) || c == '-' || c == '.')
        }
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// The name and the port of `NAME:PORT` or `[ADDRESS]:PORT`.
pub(crate) fn split(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn of(hosts: &[&str]) -> Result<Option<String>, InvalidHost> {
        let request = hosts.iter().fold(Request::get("/"), |request, value| request.header(HOST, *value));
        host(&request.body(()).unwrap().into_parts().0).map(|host| host.map(str::to_owned))
    }

    #[test]
    fn rfc9112_3_2_a_request_names_exactly_one_host() {
        for valid in ["localhost", "my_shop:3100", "127.0.0.1:80", "[::1]:3000", "[::1]", "shop.example"] {
            assert_eq!(of(&[valid]), Ok(Some(valid.to_owned())));
        }
        for invalid in
            ["", ":80", "a b", "a/b", "a%zz", "user@shop", "shop:http", "[shop]", "[::1", "a:99999"]
        {
            assert_eq!(of(&[invalid]), Err(InvalidHost), "{invalid:?}");
        }
        assert_eq!(of(&[]), Err(InvalidHost));
        assert_eq!(of(&["localhost", "localhost"]), Err(InvalidHost));
    }

    #[test]
    fn rfc9112_3_2_2_the_host_of_the_target_counts_more_than_the_header() {
        let request = Request::get("http://shop.example/").header(HOST, "localhost").body(()).unwrap();
        assert_eq!(host(&request.into_parts().0), Ok(Some("shop.example")));
    }

    #[test]
    fn http_1_0_needs_no_host() {
        let request = Request::get("/").version(Version::HTTP_10).body(()).unwrap();
        assert_eq!(host(&request.into_parts().0), Ok(None));
    }
}
