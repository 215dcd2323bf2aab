//! `ReportBatchItemFailures`: which items of a batch a function reports as failed.
//!
//! The rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html> and
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>.

use serde_json::Value;

/// The indexes of the failed items, in order; none when all succeeded.
///
/// # Errors
/// Why the whole batch counts as failed: the response is malformed, or names an item that was not in the batch.
pub fn failures(identifiers: &[&str], response: &[u8]) -> Result<Vec<usize>, String> {
    if response.is_empty() {
        return Ok(Vec::new());
    }
    let response: Value =
        serde_json::from_slice(response).map_err(|error| format!("the response is not JSON: {error}"))?;
    let failures = match response {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) if text.is_empty() => return Ok(Vec::new()),
        Value::Object(mut response) => response.remove("batchItemFailures").unwrap_or_default(),
        _ => return Err("the response is not an object".to_owned()),
    };
    let failures = match failures {
        Value::Null => return Ok(Vec::new()),
        Value::Array(failures) => failures,
        _ => return Err("batchItemFailures is not a list".to_owned()),
    };
    let mut indexes = Vec::with_capacity(failures.len());
    for failure in failures {
        let identifier = match failure.get("itemIdentifier") {
            Some(Value::String(text)) if !text.is_empty() => text,
            _ => return Err("an entry of batchItemFailures has no itemIdentifier".to_owned()),
        };
        match identifiers.iter().position(|known| known == identifier) {
            Some(index) => indexes.push(index),
            None => return Err(format!("itemIdentifier {identifier} was not in the batch")),
        }
    }
    indexes.sort_unstable();
    indexes.dedup();
    Ok(indexes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures_in(response: &str) -> Result<Vec<usize>, String> {
        failures(&["a", "b", "c"], response.as_bytes())
    }

    #[test]
    fn services_sqs_errorhandling_success_conditions() {
        for response in
            ["", "{}", "null", r#""""#, r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#]
        {
            assert_eq!(failures_in(response), Ok(vec![]), "{response}");
        }
    }

    #[test]
    fn services_sqs_errorhandling_failure_conditions() {
        for response in [
            "not json",
            r#"{"batchItemFailures":"a"}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifer":"a"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"unknown"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"unknown"}]}"#,
        ] {
            assert!(failures_in(response).is_err(), "{response}");
        }
    }

    #[test]
    fn named_items_fail_and_the_others_do_not() {
        let response =
            r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}"#;
        assert_eq!(failures_in(response), Ok(vec![0, 2]));
    }
}
