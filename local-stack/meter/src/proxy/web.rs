//! Requests to an HTTP API other than AWS's: their caller and their operation.

use http::{Uri, request, uri::PathAndQuery};

/// The start of a path with a caller's id.
const PREFIX: &str = "/~";

/// Removes `/~ID` from the start of the path, and returns the id; empty if there is none.
pub(super) fn take_caller(uri: &mut Uri) -> String {
    let whole = uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let Some(marked) = whole.strip_prefix(PREFIX) else { return String::new() };
    let (caller, rest) = marked.split_at(marked.find(['/', '?']).unwrap_or(marked.len()));
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    let (caller, mut parts) = (caller.to_owned(), std::mem::take(uri).into_parts());
    parts.path_and_query = rest.parse().ok();
    // The parts come from a valid URI, so this does not fail.
    *uri = Uri::from_parts(parts).unwrap_or_default();
    caller
}

/// The method and the path, with `*` for ids: `POST /v1/payment_intents/*/confirm`. A segment with a digit or a capital
/// letter is an id, except the first, which may be a version.
pub(super) fn operation(parts: &request::Parts) -> String {
    let segment = |(position, segment): (usize, &str)| {
        let in_ids = |character: char| character.is_ascii_digit() || character.is_ascii_uppercase();
        let varies = position > 1 && segment.contains(in_ids);
        if varies { "*".to_owned() } else { segment.to_owned() }
    };
    let path: Vec<_> = parts.uri.path().split('/').enumerate().map(segment).collect();
    format!("{} {}", parts.method, path.join("/"))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn taken(uri: &str) -> (String, String) {
        let mut uri = uri.parse().unwrap();
        let caller = take_caller(&mut uri);
        (caller, uri.to_string())
    }

    #[test]
    fn a_callers_id_is_taken_from_the_path() {
        assert_eq!(taken("/~KEY/v1/refunds?a=b"), ("KEY".to_owned(), "/v1/refunds?a=b".to_owned()));
        assert_eq!(taken("http://host:1/~KEY/v1"), ("KEY".to_owned(), "http://host:1/v1".to_owned()));
        assert_eq!(taken("/~KEY"), ("KEY".to_owned(), "/".to_owned()));
        assert_eq!(taken("/~KEY?a=b"), ("KEY".to_owned(), "/?a=b".to_owned()));
        assert_eq!(taken("/v1/~KEY"), (String::new(), "/v1/~KEY".to_owned()));
    }

    #[test]
    fn an_operation_has_no_ids() {
        let of = |method, uri| {
            operation(&Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0)
        };
        assert_eq!(of("POST", "/v1/payment_intents/pi_27/confirm"), "POST /v1/payment_intents/*/confirm");
        assert_eq!(of("POST", "/v1/payment_intents/pi_bRff/cancel"), "POST /v1/payment_intents/*/cancel");
        assert_eq!(of("POST", "/v1/refunds?expand=1"), "POST /v1/refunds");
        assert_eq!(of("GET", "/"), "GET /");
    }
}
