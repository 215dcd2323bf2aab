//! Selects the route of a request.
//!
//! The rules: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>. A full match
//! takes precedence over path variables, these over a greedy `{proxy+}`, and all over `$default`. A method takes
//! precedence over ANY.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{authorizer::Authorizer, throttle::Throttle, url::decode};
use crate::pool::Pool;

/// The routes of an API, the most specific first.
#[derive(Debug, Default)]
pub(crate) struct Routes(Vec<Arc<Route>>);

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) key: Arc<str>,
    pub(crate) method: String,
    pub(crate) pattern: Pattern,
    pub(crate) function: Arc<Pool>,
    /// The integration timeout.
    pub(crate) timeout: Duration,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) authorizer: Option<Arc<Authorizer>>,
}

/// The pattern of a route's path, in the order of precedence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pattern {
    Path(Vec<Segment>),
    Default,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Segment {
    Literal(String),
    Variable(String),
    Greedy(String),
}

/// The route of one request.
#[derive(Debug)]
pub(crate) struct Matched {
    pub(crate) route: Arc<Route>,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(crate) fn add(&mut self, route: Route) {
        self.0.push(Arc::new(route));
        self.0.sort_by(|a, b| a.pattern.cmp(&b.pattern).then((a.method == "ANY").cmp(&(b.method == "ANY"))));
    }

    /// The route for a path before decoding: a `%2F` in it does not separate segments.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Matched> {
        self.0.iter().filter(|route| route.method == method || route.method == "ANY").find_map(|route| {
            let parameters = route.pattern.matches(path)?;
            Some(Matched { route: Arc::clone(route), parameters })
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter().map(AsRef::as_ref)
    }
}

pub(crate) fn pattern(path: &str) -> Pattern {
    if path == "$default" {
        return Pattern::Default;
    }
    let segment = |text: &str| match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => Segment::Greedy(name.to_owned()),
            None => Segment::Variable(name.to_owned()),
        },
        None => Segment::Literal(text.to_owned()),
    };
    Pattern::Path(path.trim_start_matches('/').split('/').map(segment).collect())
}

impl Pattern {
    fn matches(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let Self::Path(segments) = self else { return Some(parameters) };
        let mut rest = Some(path.strip_prefix('/')?);
        for segment in segments {
            let text = rest?;
            let (first, after) = match text.split_once('/') {
                Some((first, after)) => (first, Some(after)),
                None => (text, None),
            };
            match segment {
                Segment::Literal(literal) if *literal == decode(first)? => rest = after,
                Segment::Variable(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), decode(first)?);
                    rest = after;
                }
                Segment::Greedy(name) if !text.is_empty() => {
                    parameters.insert(name.clone(), decode(text)?);
                    rest = None;
                }
                _ => return None,
            }
        }
        rest.is_none().then_some(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(path: &str, request: &str) -> Option<Vec<String>> {
        pattern(path).matches(request).map(|parameters| parameters.into_values().collect())
    }

    #[test]
    fn http_api_develop_routes_paths_match_segment_by_segment() {
        assert_eq!(matches("/products", "/products"), Some(vec![]));
        assert_eq!(matches("/products/{id}", "/products/a%20b"), Some(vec!["a b".to_owned()]));
        assert_eq!(matches("/products/{id}", "/products/a%2Fb"), Some(vec!["a/b".to_owned()]));
        assert_eq!(matches("/files/{proxy+}", "/files/a/b"), Some(vec!["a/b".to_owned()]));
        assert_eq!(matches("/", "/"), Some(vec![]));
        for (path, request) in [
            ("/products", "/products/"),
            ("/products", "/product"),
            ("/products/{id}", "/products"),
            ("/products/{id}", "/products/"),
            ("/products/{id}", "/products/a/b"),
            ("/files/{proxy+}", "/files"),
            ("/files/{proxy+}", "/files/"),
        ] {
            assert_eq!(matches(path, request), None, "{path} {request}");
        }
    }

    #[test]
    fn http_api_develop_routes_the_most_specific_pattern_comes_first() {
        let mut patterns = vec![pattern("$default"), pattern("/a/{p+}"), pattern("/a/{b}"), pattern("/a/b")];
        patterns.sort();
        assert_eq!(patterns, [pattern("/a/b"), pattern("/a/{b}"), pattern("/a/{p+}"), pattern("$default")]);
    }
}
