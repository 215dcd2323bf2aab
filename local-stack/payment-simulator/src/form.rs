//! `application/x-www-form-urlencoded`, the format of requests to Stripe's API.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// The fields of a form. Of a repeated field, the last value is taken.
pub(crate) fn parse(body: &[u8]) -> BTreeMap<String, String> {
    let body = String::from_utf8_lossy(body);
    let fields = body.split('&').filter(|field| !field.is_empty());
    fields
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let form = parse(b"amount=1299&metadata%5Border_id%5D=a+b%26c&flag");
        assert_eq!(form["amount"], "1299");
        assert_eq!(form["metadata[order_id]"], "a b&c");
        assert_eq!(form["flag"], "");
        assert!(parse(b"").is_empty());
    }
}
