//! The paths of routes.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>: a path variable is a whole
//! segment; a greedy one, `{proxy+}`, "must be at the end of the path"; and no two variables have one name.

use std::collections::BTreeSet;

use crate::{error::Invalid, node::Node};

/// A path that API Gateway takes, or `$default`.
pub(super) fn read(node: &Node) -> Result<String, Invalid> {
    let path = node.text()?;
    match check(path) {
        Ok(()) => Ok(path.to_owned()),
        Err(rule) => Err(node.error(format!("API Gateway does not take the path {path}: {rule}"))),
    }
}

fn check(path: &str) -> Result<(), String> {
    if path == "$default" {
        return Ok(());
    }
    let Some(path) = path.strip_prefix('/') else { return Err("it must begin with /".to_owned()) };
    let mut names = BTreeSet::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            if segment.contains(['{', '}']) {
                return Err(format!(
                    "{segment} is a variable and more, and a variable must be a whole segment"
                ));
            }
            continue;
        };
        let greedy = name.strip_suffix('+');
        if greedy.is_some() && segments.peek().is_some() {
            return Err(format!("{segment} must be the last segment"));
        }
        let name = greedy.unwrap_or(name);
        if name.is_empty() || name.contains(['{', '}', '+']) {
            return Err(format!("{segment} is not a variable, such as {{id}} or {{proxy+}}"));
        }
        if !names.insert(name) {
            return Err(format!("the variable {name} is in it twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_api_develop_routes_variables_are_whole_segments_with_names_of_their_own() {
        for path in ["/", "/a", "/a/{id}", "/{a}/{b}/c", "/a/{proxy+}", "$default", "/a/"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        for (path, rule) in [
            ("a", "it must begin with /"),
            ("/map/{z}/{y}.png", "{y}.png is a variable and more"),
            ("/v{n}", "v{n} is a variable and more"),
            ("/a/{p+}/b", "{p+} must be the last segment"),
            ("/a/{id}/b/{id}", "the variable id is in it twice"),
            ("/{id}/{id+}", "the variable id is in it twice"),
            ("/{}", "{} is not a variable"),
            ("/{a}{b}", "{a}{b} is not a variable"),
        ] {
            let found = check(path).unwrap_err();
            assert!(found.starts_with(rule), "{path}: {found}");
        }
    }
}
