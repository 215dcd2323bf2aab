//! The outcome of an API call, as far as its billing depends on it.

use serde_json::Value;

use super::reader::objects;

#[derive(Debug)]
pub(crate) enum Outcome {
    /// It succeeded with this response.
    Succeeded(Value),
    /// A condition failed, or a transaction was cancelled for that or for a conflict. DynamoDB bills this.
    ConditionFailed,
    /// DynamoDB rejected it for another reason, and does not bill it.
    Rejected,
    /// DynamoDB failed or did not respond: the call may have succeeded. It is not metered.
    Unknown,
}

impl Outcome {
    pub(crate) fn read(status: u16, error_type: Option<&str>, body: &[u8]) -> Self {
        let body = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        match (status, error_type) {
            (200..=299, _) => Self::Succeeded(body()),
            (400..=499, Some("ConditionalCheckFailedException")) => Self::ConditionFailed,
            (400..=499, Some("TransactionCanceledException")) => {
                let reasons = &body()["CancellationReasons"];
                let mut codes = objects(reasons).filter_map(|reason| reason.get("Code")?.as_str());
                // DynamoDB rejects throttled and invalid transactions before it processes their items.
                if codes.any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict")) {
                    Self::ConditionFailed
                } else {
                    Self::Rejected
                }
            }
            (400..=499, _) => Self::Rejected,
            _ => Self::Unknown,
        }
    }
}
