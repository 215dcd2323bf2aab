//! `TransactWriteItems`, with labels that say which condition failed.
//!
//! A cancelled transaction has changed nothing. If a condition failed, that is a result for the caller; conflicts with
//! other transactions are retried here.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError as SdkError,
    types::{
        AttributeValue, CancellationReason, TransactWriteItem,
        builders::{PutBuilder, UpdateBuilder},
    },
};

use crate::{Deadline, Error, retry::Backoff};

/// More than any function has time for on average (about eighteen seconds), so that its deadline is the limit.
const CONFLICT_RETRIES: u32 = 60;

/// The code of a [`CancellationReason`] whose condition failed.
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// Items that are written together, each with a label of the caller's.
#[derive(Debug)]
pub struct Transaction<L> {
    labels: Vec<L>,
    items: Vec<TransactWriteItem>,
    retries: Option<ConflictRetries>,
}

/// How often conflicts with other transactions are retried, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct ConflictRetries {
    /// The most retries.
    pub most: u32,
    /// When the last one starts at the latest.
    pub until: Deadline,
}

/// How a transaction ended.
#[derive(Debug)]
pub enum Outcome<L> {
    /// Every item is written.
    Written,
    /// Nothing is written: these conditions failed. There is at least one.
    ConditionsFailed(Vec<FailedCondition<L>>),
}

/// An item of a transaction whose condition failed.
#[derive(Debug)]
pub struct FailedCondition<L> {
    /// The label that the caller gave the item.
    pub label: L,
    /// With `ALL_OLD`, the stored item; `None` if there is none.
    pub item: Option<HashMap<String, AttributeValue>>,
}

/// The item of a transaction that `update` describes.
///
/// # Errors
/// [`Error::Internal`] when a required member is not set.
pub fn update_item(update: UpdateBuilder) -> Result<TransactWriteItem, Error> {
    Ok(TransactWriteItem::builder().update(update.build()?).build())
}

/// The item of a transaction that `put` describes.
///
/// # Errors
/// [`Error::Internal`] when a required member is not set.
pub fn put_item(put: PutBuilder) -> Result<TransactWriteItem, Error> {
    Ok(TransactWriteItem::builder().put(put.build()?).build())
}

impl<L> Default for Transaction<L> {
    fn default() -> Self {
        Self { labels: Vec::new(), items: Vec::new(), retries: None }
    }
}

impl<L> Transaction<L> {
    /// A transaction whose conflicts are not retried until the deadline of its write, but like this.
    #[must_use]
    pub fn retrying(retries: ConflictRetries) -> Self {
        Self { retries: Some(retries), ..Self::default() }
    }

    /// Adds an item; its failed condition is reported under `label`.
    #[must_use]
    pub fn with(mut self, label: L, item: TransactWriteItem) -> Self {
        self.labels.push(label);
        self.items.push(item);
        self
    }

    /// Writes all items or none, and retries conflicts with jitter: until the deadline, if no [`ConflictRetries`] say less.
    ///
    /// Each attempt has its own idempotency token (the SDK makes it), so that the SDK's retry of a write whose response
    /// was lost does not fail on that write.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when conflicts or throttling outlast the retries, [`Error::Internal`] when `DynamoDB`
    /// refuses the transaction itself.
    pub async fn write(self, client: &Client, deadline: Deadline) -> Result<Outcome<L>, Error> {
        let retries = self.retries.unwrap_or(ConflictRetries { most: CONFLICT_RETRIES, until: deadline });
        let mut backoff = Backoff::new(retries.most, retries.until);
        loop {
            let request = client.transact_write_items().set_transact_items(Some(self.items.clone()));
            let call = async {
                let Err(error) = request.send().await else { return Ok(Attempt::Written) };
                match error.as_service_error() {
                    Some(SdkError::TransactionCanceledException(cancelled)) => {
                        classify(cancelled.cancellation_reasons())
                    }
                    Some(SdkError::TransactionInProgressException(_)) => Ok(Attempt::Conflict),
                    _ => Err(Error::from_sdk("DynamoDB", &error)),
                }
            };
            match deadline.with_timeout("DynamoDB", call).await? {
                Attempt::Written => return Ok(Outcome::Written),
                Attempt::ConditionsFailed(reasons) => {
                    return failed_conditions(self.labels, reasons).map(Outcome::ConditionsFailed);
                }
                Attempt::Conflict if backoff.wait().await => {}
                Attempt::Conflict => {
                    let detail = "a transaction keeps conflicting with others";
                    return Err(Error::unavailable("DynamoDB", detail));
                }
            }
        }
    }
}

#[derive(Debug)]
enum Attempt {
    Written,
    /// One reason for each item of the transaction.
    ConditionsFailed(Vec<CancellationReason>),
    Conflict,
}

/// The codes are listed in the API reference of `TransactWriteItems`, under Errors.
fn classify(reasons: &[CancellationReason]) -> Result<Attempt, Error> {
    let codes = || reasons.iter().filter_map(CancellationReason::code);
    if codes().any(|code| code == CONDITION_FAILED) {
        return Ok(Attempt::ConditionsFailed(reasons.to_vec()));
    }
    let retryable = ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    match codes().find(|code| !retryable.contains(code)) {
        Some(code) => Err(Error::Internal(format!("DynamoDB cancelled a transaction: {code}"))),
        None => Ok(Attempt::Conflict),
    }
}

/// The failed conditions by label. `DynamoDB` lists one reason for each item, in the order of the items: this is the only
/// place that relies on it.
fn failed_conditions<L>(
    labels: Vec<L>,
    reasons: Vec<CancellationReason>,
) -> Result<Vec<FailedCondition<L>>, Error> {
    if labels.len() != reasons.len() {
        let detail = format!("{} cancellation reasons for {} items", reasons.len(), labels.len());
        return Err(Error::Internal(detail));
    }
    let failed =
        labels.into_iter().zip(reasons).filter(|(_, reason)| reason.code() == Some(CONDITION_FAILED));
    let condition = |(label, reason): (L, CancellationReason)| FailedCondition {
        label,
        item: reason.item.filter(|item| !item.is_empty()),
    };
    Ok(failed.map(condition).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    #[test]
    fn a_failed_condition_outranks_a_conflict_and_is_reported_under_its_label() {
        let attempt = classify(&reasons(&["TransactionConflict", "ConditionalCheckFailed"])).unwrap();
        let Attempt::ConditionsFailed(reasons) = attempt else { panic!("{attempt:?}") };
        let failed = failed_conditions(vec!["order", "stock"], reasons).unwrap();
        assert!(matches!(failed.as_slice(), [FailedCondition { label: "stock", item: None }]), "{failed:?}");
    }

    #[test]
    fn reasons_that_belong_to_no_item_are_an_error() {
        assert!(failed_conditions(vec!["order"], reasons(&["None", "ConditionalCheckFailed"])).is_err());
    }

    #[test]
    fn conflicts_and_throttling_are_retried() {
        assert!(matches!(classify(&reasons(&["None", "TransactionConflict"])), Ok(Attempt::Conflict)));
        assert!(matches!(classify(&reasons(&["ThrottlingError", "None"])), Ok(Attempt::Conflict)));
    }

    #[test]
    fn a_refused_transaction_is_our_fault() {
        assert!(matches!(classify(&reasons(&["None", "ValidationError"])), Err(Error::Internal(_))));
    }
}
