//! The access key id that signed a request.
//!
//! `Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=..., Signature=...`
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// The access key id of every forwarded request.
const SHARED: &str = "local";

/// Replaces the access key id of a request by `local`, and returns it; empty if there is none.
pub(super) fn take_caller(headers: &mut HeaderMap) -> String {
    let Some((caller, shared)) = headers.get(AUTHORIZATION).and_then(|value| split(value.to_str().ok()?))
    else {
        return String::new();
    };
    if let Ok(value) = HeaderValue::from_str(&shared) {
        headers.insert(AUTHORIZATION, value);
    }
    caller
}

/// The access key id, and the header with `local` in its place.
fn split(authorization: &str) -> Option<(String, String)> {
    const CREDENTIAL: &str = "Credential=";
    let start = authorization.find(CREDENTIAL)? + CREDENTIAL.len();
    let end = start + authorization[start..].find('/')?;
    let shared = format!("{}{SHARED}{}", &authorization[..start], &authorization[end..]);
    Some((authorization[start..end].to_owned(), shared))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(authorization: &'static str) -> (String, String) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(authorization));
        let caller = take_caller(&mut headers);
        (caller, headers[AUTHORIZATION].to_str().unwrap().to_owned())
    }

    #[test]
    fn sigv4_page_the_key_id_is_the_credential_up_to_the_first_slash() {
        let (caller, rest) = taken(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=5d67",
        );
        assert_eq!(caller, "AKIDEXAMPLE");
        assert_eq!(
            rest,
            "AWS4-HMAC-SHA256 Credential=local/20150830/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=5d67"
        );
    }

    #[test]
    fn an_unsigned_request_has_no_caller_and_is_not_changed() {
        assert_eq!(taken("Bearer x"), (String::new(), "Bearer x".to_owned()));
        assert_eq!(take_caller(&mut HeaderMap::new()), "");
    }
}
