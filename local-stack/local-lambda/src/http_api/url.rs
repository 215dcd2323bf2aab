//! Percent-decoding of paths and query strings.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// The percent-decoded path; none if that is not UTF-8.
pub(crate) fn decode(path: &str) -> Option<String> {
    percent_decode_str(path).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The decoded parameters of a query string; several values of one name are joined by commas.
pub(crate) fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        joined
            .entry(decode(name))
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_api_develop_integrations_lambda_repeated_parameters_are_joined() {
        let parameters = query_parameters("a=1&b=x%20y+z&a=2&c");
        assert_eq!(
            (parameters["a"].as_str(), parameters["b"].as_str(), parameters["c"].as_str()),
            ("1,2", "x y z", "")
        );
    }
}
