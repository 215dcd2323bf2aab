//! The JSON body of a request.

use lambda_http::http::header;
use serde::de::DeserializeOwned;

use domain_primitives::{Problem, Violation};

use super::Request;
use crate::json::{MUST_BE_AN_OBJECT, Objects};

/// The largest request body: 64 KiB.
pub const MAX_BODY: usize = 64 * 1024;

impl Request {
    /// The JSON body.
    ///
    /// # Errors
    /// A problem with status 413 for a body over [`MAX_BODY`], 415 when it is not declared as `application/json` or is
    /// compressed, and 400 with a pointer when it is not JSON of the expected shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body: &[u8] = self.event.body();
        if body.len() > MAX_BODY {
            let detail = format!("The body has {} bytes; {MAX_BODY} are allowed.", body.len());
            return Err(Problem::new(413, "payload-too-large", "The request body is too large", detail));
        }
        if self.header(header::CONTENT_ENCODING.as_str())?.is_some_and(is_coded) {
            let problem = unsupported("The body has a content-encoding. Send it as it is.");
            return Err(problem.with_header(header::ACCEPT_ENCODING.as_str(), "identity"));
        }
        if !self.header(header::CONTENT_TYPE.as_str())?.is_some_and(is_json) {
            return Err(unsupported("Send the body as content-type: application/json."));
        }
        let mut reader = serde_json::Deserializer::from_slice(body);
        let value = serde_path_to_error::deserialize(Objects(&mut reader)).map_err(|error| {
            let pointer = pointer(error.path());
            Problem::invalid(vec![Violation::new(pointer, rule(&error.into_inner()))])
        })?;
        reader.end().map_err(|error| Problem::invalid(vec![Violation::new("", error.to_string())]))?;
        Ok(value)
    }
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(415, "unsupported-media-type", "The content type is not supported", detail)
}

/// What is wrong with a body: a rule of ours as it is, and what the JSON reader says with the place in the text.
fn rule(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with(MUST_BE_AN_OBJECT) { MUST_BE_AN_OBJECT.to_owned() } else { text }
}

/// Whether a Content-Encoding names a coding (RFC 9110, section 8.4). `identity` is none.
fn is_coded(content_encoding: &str) -> bool {
    let mut codings = content_encoding.split(',').map(str::trim);
    codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
}

/// Whether a Content-Type is JSON in UTF-8.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    })
}

/// A JSON Pointer (RFC 6901) to the value at which deserialization stopped.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    })
}

#[cfg(test)]
mod tests {
    use lambda_http::{Body, http};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "the tests only check that it can be read")]
    struct Lines {
        items: Vec<std::num::NonZeroU32>,
        place: Option<Place>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "as above")]
    struct Place {
        shelf: u8,
    }

    fn read(content_type: &str, body: impl Into<Body>) -> Result<Lines, Problem> {
        let request =
            http::Request::builder().header("content-type", content_type).body(body.into()).unwrap();
        Request::new(request).json()
    }

    fn refused(content_type: &str, body: impl Into<Body>) -> serde_json::Value {
        read(content_type, body).unwrap_err().body("request-1")
    }

    #[test]
    fn a_wrong_value_is_pointed_at() {
        let body = refused("application/json", r#"{"items":[1,0]}"#);
        assert_eq!(body["errors"][0]["pointer"], "/items/1", "{body}");
    }

    #[test]
    fn what_must_be_an_object_is_pointed_at() {
        for (text, pointer) in [
            ("[[1]]", ""),
            ("7", ""),
            (r#"{"items":[1],"place":[3]}"#, "/place"),
            (r#"{"items":[1],"place":"3"}"#, "/place"),
        ] {
            let body = refused("application/json", text);
            let expected = serde_json::json!([{"pointer": pointer, "detail": "must be an object"}]);
            assert_eq!((&body["status"], &body["errors"]), (&400.into(), &expected), "{text}");
        }
        assert!(read("application/json", r#"{"items":[1],"place":{"shelf":3}}"#).is_ok());
    }

    #[test]
    fn a_body_in_a_content_coding_is_415_with_what_is_taken() {
        let read = |coding: &str| {
            let request = http::Request::builder()
                .header("content-type", "application/json")
                .header("content-encoding", coding)
                .body(Body::from(r#"{"items":[1]}"#))
                .unwrap();
            Request::new(request).json::<Lines>()
        };
        for coding in ["gzip", "br", "identity, gzip", "GZIP", "x"] {
            let problem = read(coding).unwrap_err();
            assert_eq!(
                (problem.status(), problem.headers()),
                (415, &[("accept-encoding", "identity")][..]),
                "{coding}"
            );
        }
        for coding in ["identity", "Identity", ""] {
            assert!(read(coding).is_ok(), "{coding}");
        }
    }

    #[test]
    fn anything_but_one_json_document_of_the_shape_is_400() {
        for text in [
            "",
            "{",
            "null",
            "[]",
            r#"{"items":[1]} x"#,
            r#"{"items":[1],"extra":2}"#,
            r#"{"items":[1],"items":[2]}"#,
        ] {
            assert_eq!(refused("application/json", text)["status"], 400, "{text}");
        }
        assert_eq!(refused("application/json", Body::Binary(vec![b'"', 0xff, b'"']))["status"], 400);
    }

    #[test]
    fn content_types_other_than_json_are_415() {
        for content_type in ["text/plain", "application/jsonx", "application/json; charset=latin1", "json"] {
            assert_eq!(refused(content_type, r#"{"items":[1]}"#)["status"], 415, "{content_type}");
        }
        for content_type in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert!(read(content_type, r#"{"items":[1]}"#).is_ok(), "{content_type}");
        }
    }

    #[test]
    fn a_body_over_64_kib_is_413_whatever_it_holds() {
        assert_eq!(refused("text/plain", "x".repeat(MAX_BODY + 1))["status"], 413);
        assert_eq!(refused("application/json", "x".repeat(MAX_BODY))["status"], 400);
    }
}
