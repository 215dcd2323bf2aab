//! `ReportBatchItemFailures`: what a function's answer says about the items of its batch.
//!
//! The rules: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html> and
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>.

use serde_json::Value;

/// The indexes of the failed items, in order; none when all are done.
///
/// # Errors
/// Why the whole batch counts as failed: the answer is malformed or names an item that was not in the batch.
pub fn failures(identifiers: &[&str], answer: &[u8]) -> Result<Vec<usize>, String> {
    if answer.is_empty() {
        return Ok(Vec::new());
    }
    let answer: Value =
        serde_json::from_slice(answer).map_err(|error| format!("the answer is not JSON: {error}"))?;
    let failures = match answer {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) if text.is_empty() => return Ok(Vec::new()),
        Value::Object(mut answer) => answer.remove("batchItemFailures").unwrap_or_default(),
        _ => return Err("the answer is not an object".to_owned()),
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

    fn judge(answer: &str) -> Result<Vec<usize>, String> {
        failures(&["a", "b", "c"], answer.as_bytes())
    }

    #[test]
    fn services_sqs_errorhandling_success_conditions() {
        for answer in
            ["", "{}", "null", r#""""#, r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#]
        {
            assert_eq!(judge(answer), Ok(vec![]), "{answer}");
        }
    }

    #[test]
    fn services_sqs_errorhandling_failure_conditions() {
        for answer in [
            "not json",
            r#"{"batchItemFailures":"a"}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifer":"a"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"unknown"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"unknown"}]}"#,
        ] {
            assert!(judge(answer).is_err(), "{answer}");
        }
    }

    #[test]
    fn named_items_fail_and_the_others_do_not() {
        let answer =
            r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}"#;
        assert_eq!(judge(answer), Ok(vec![0, 2]));
    }
}
