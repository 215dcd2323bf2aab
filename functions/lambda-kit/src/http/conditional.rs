//! Conditional requests by entity tag: RFC 9110, section 13.

use domain_primitives::Problem;
use lambda_http::http::header;

use super::{Request, Response};

impl Response {
    /// The response with its entity tag to a request that may have conditions: 304 without a body when the client has it.
    /// `etag` is a strong entity tag, quotes included.
    ///
    /// # Errors
    /// 412 when `If-Match` does not have the tag. It comes first (section 13.2.2).
    pub fn with_etag(self, request: &Request, etag: String) -> Result<Self, Problem> {
        if request.header(header::IF_MATCH.as_str())?.is_some_and(|tags| !matches(tags, &etag, is_same)) {
            let detail = "The resource has another entity tag than If-Match. Get it again.";
            return Err(Problem::new(412, "precondition-failed", "The resource has changed", detail));
        }
        let current =
            request.header(header::IF_NONE_MATCH.as_str())?.is_some_and(|tags| matches(tags, &etag, is_like));
        let response = if current { Self::empty(304) } else { self };
        Ok(response.header("etag", etag))
    }
}

/// Whether a list of entity tags has this one, or is `*`: any.
fn matches(tags: &str, etag: &str, compare: fn(&str, &str) -> bool) -> bool {
    tags.trim() == "*" || tags.split(',').any(|tag| compare(tag.trim(), etag))
}

/// Strong comparison (section 8.8.3.2), for `If-Match`: a weak tag is like no other.
fn is_same(tag: &str, etag: &str) -> bool {
    tag == etag
}

/// Weak comparison, for `If-None-Match`.
fn is_like(tag: &str, etag: &str) -> bool {
    tag.strip_prefix("W/").unwrap_or(tag) == etag
}

#[cfg(test)]
mod tests {
    use lambda_http::{Body, http};

    use super::*;

    /// The status of the answer, whose tag is `"x"`, to a request with these headers.
    fn status(headers: &[(&str, &str)]) -> u16 {
        let request = headers
            .iter()
            .fold(http::Request::builder(), |request, (name, value)| request.header(*name, *value));
        let request = Request::new(request.body(Body::Empty).unwrap());
        match Response::empty(200).with_etag(&request, "\"x\"".to_owned()) {
            Ok(response) => response.status,
            Err(problem) => problem.status(),
        }
    }

    #[test]
    fn if_none_match_compares_weakly_and_in_lists() {
        for tags in ["*", " * ", "\"x\"", "W/\"x\"", "\"a\", \"x\""] {
            assert_eq!(status(&[("if-none-match", tags)]), 304, "{tags}");
        }
        for tags in ["", "x", "\"xy\", x", "w/\"x\"", "\"a\", *"] {
            assert_eq!(status(&[("if-none-match", tags)]), 200, "{tags}");
        }
    }

    #[test]
    fn if_match_compares_strongly_and_comes_first() {
        for tags in ["*", "\"x\"", "\"a\",\"x\""] {
            assert_eq!(status(&[("if-match", tags)]), 200, "{tags}");
        }
        for tags in ["", "nope", "\"nope\"", "W/\"x\"", "\"a\", W/\"x\""] {
            assert_eq!(status(&[("if-match", tags)]), 412, "{tags}");
        }
        assert_eq!(status(&[("if-match", "\"a\""), ("if-none-match", "\"x\"")]), 412);
        assert_eq!(status(&[("if-match", "\"x\""), ("if-none-match", "\"x\"")]), 304);
        assert_eq!(status(&[]), 200);
    }
}
