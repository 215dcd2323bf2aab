//! Pagination: a limit, and an opaque cursor to the next page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use domain_primitives::{Problem, Violation};

use crate::json;

/// The maximum number of items on a page: 1 to 100, by default 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// Reads the `limit` query parameter.
    ///
    /// # Errors
    /// A 400 problem when it is not a whole number from 1 to 100.
    pub fn parse(parameter: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = parameter else {
            return Ok(Self(20));
        };
        match text.parse() {
            // `parse` accepts a leading plus sign, which in a query is a space.
            Ok(limit @ 1..=100) if !text.starts_with('+') => Ok(Self(limit)),
            _ => Err(Problem::invalid(vec![Violation::new("limit", "must be a whole number from 1 to 100")])),
        }
    }

    /// The number of items.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

/// One page of a list: `{"items": [...], "next_cursor": "..."}`; the last page has no cursor.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The version of the cursor's content. A change of the content increments it, and older cursors are refused with 400.
const VERSION: u8 = 1;

/// Longer cursors are refused unread: the shop's are far below.
const MAX_LENGTH: usize = 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor<Q, P> {
    v: u8,
    query: Q,
    after: P,
}

/// The cursor that continues `query` after `position`.
pub fn encode_cursor<Q: Serialize, P: Serialize>(query: &Q, position: &P) -> String {
    let cursor = serde_json::json!({"v": VERSION, "query": query, "after": position});
    URL_SAFE_NO_PAD.encode(cursor.to_string())
}

/// The position of a cursor, if the cursor is of this version and belongs to `query`.
///
/// # Errors
/// A 400 problem for a malformed cursor, one of another version and one of another query.
pub fn decode_cursor<Q, P>(text: &str, query: &Q) -> Result<P, Problem>
where
    Q: DeserializeOwned + PartialEq,
    P: DeserializeOwned,
{
    let refuse = || {
        Problem::new(
            400,
            "invalid-cursor",
            "The cursor is invalid",
            "The cursor is broken, out of date or from another list: start again without one.",
        )
    };
    if text.len() > MAX_LENGTH {
        return Err(refuse());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse())?;
    let cursor: Cursor<Q, P> = json::from_slice(&bytes).map_err(|_| refuse())?;
    if cursor.v == VERSION && cursor.query == *query { Ok(cursor.after) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_run_from_1_to_100() {
        assert_eq!(Limit::parse(None).unwrap().get(), 20);
        assert_eq!(Limit::parse(Some("100")).unwrap().get(), 100);
        for bad in ["0", "101", "-1", "+5", "1.5", "", "x", "256", "99999999999999999999"] {
            assert_eq!(Limit::parse(Some(bad)).unwrap_err().status(), 400, "{bad}");
        }
    }

    #[test]
    fn a_cursor_of_another_version_is_refused() {
        let old = URL_SAFE_NO_PAD.encode(r#"{"v":0,"query":"kitchen","after":"x"}"#);
        let result = decode_cursor::<String, String>(&old, &"kitchen".to_owned());
        assert_eq!(result.unwrap_err().slug(), "invalid-cursor");
    }

    #[test]
    fn a_cursor_that_is_an_array_is_refused() {
        let array = URL_SAFE_NO_PAD.encode(r#"[1,"kitchen","x"]"#);
        let result = decode_cursor::<String, String>(&array, &"kitchen".to_owned());
        assert_eq!(result.unwrap_err().slug(), "invalid-cursor");
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_only_to_its_query(query in ".{0,40}", other in ".{0,40}", position in ".{0,80}") {
            let cursor = encode_cursor(&query, &position);
            prop_assert_eq!(decode_cursor::<String, String>(&cursor, &query).ok(), Some(position));
            prop_assert_eq!(decode_cursor::<String, String>(&cursor, &other).is_ok(), query == other);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            if let Err(problem) = decode_cursor::<String, String>(&text, &String::new()) {
                prop_assert_eq!(problem.status(), 400);
            }
        }
    }
}
