//! `TransactWriteItems` with its cancellation reasons told apart.
//!
//! A cancelled transaction has applied nothing. If a condition failed, that is an answer, and the caller's to read;
//! if items were busy, trying again helps, and is done here.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError as SdkError,
    types::{AttributeValue, CancellationReason, TransactWriteItem},
};

use crate::{Deadline, Error, retry::Backoff};

/// More than an HTTP function has time for on average (about eighteen seconds), so that its time is the bound: with twenty,
/// some of 500 clients of one product were sent away while others still came through (docs/decisions/0009).
const CONFLICT_RETRIES: u32 = 60;

/// How a transaction ended.
#[derive(Debug)]
pub enum Outcome {
    /// Every item is written.
    Written,
    /// Nothing is written: at least one condition failed. One entry for each item, in order.
    Refused(Vec<Check>),
}

/// What became of one item's condition.
#[derive(Debug)]
pub enum Check {
    /// It held, or was not looked at.
    Held,
    /// It failed; with `ALL_OLD`, on the item given here, `None` if there is no such item.
    Failed(Option<HashMap<String, AttributeValue>>),
}

/// Writes all items or none, retrying conflicts with jitter until the deadline.
///
/// Each attempt carries its own idempotency token (the SDK makes it), so that an answer lost on the way does not make
/// the SDK's own retry fail on the write it repeats.
///
/// # Errors
/// [`Error::Unavailable`] when conflicts or throttling do not end in time, [`Error::Internal`] when `DynamoDB` refuses
/// the transaction itself.
pub async fn write(
    client: &Client,
    items: Vec<TransactWriteItem>,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    let mut backoff = Backoff::new(CONFLICT_RETRIES, deadline);
    loop {
        let request = client.transact_write_items().set_transact_items(Some(items.clone()));
        let call = async {
            let Err(error) = request.send().await else {
                return Ok(Attempt::Ended(Outcome::Written));
            };
            match error.as_service_error() {
                Some(SdkError::TransactionCanceledException(cancelled)) => {
                    read(cancelled.cancellation_reasons())
                }
                Some(SdkError::TransactionInProgressException(_)) => Ok(Attempt::Busy),
                _ => Err(Error::from_sdk("DynamoDB", &error)),
            }
        };
        match deadline.with_timeout("DynamoDB", call).await? {
            Attempt::Ended(outcome) => return Ok(outcome),
            Attempt::Busy if backoff.wait().await => {}
            Attempt::Busy => {
                return Err(Error::unavailable("DynamoDB", "a transaction keeps conflicting with others"));
            }
        }
    }
}

#[derive(Debug)]
enum Attempt {
    Ended(Outcome),
    Busy,
}

/// The codes are listed in the API reference of `TransactWriteItems`, under Errors.
fn read(reasons: &[CancellationReason]) -> Result<Attempt, Error> {
    let codes = || reasons.iter().filter_map(CancellationReason::code);
    if codes().any(|code| code == "ConditionalCheckFailed") {
        let check = |reason: &CancellationReason| match reason.code() {
            Some("ConditionalCheckFailed") => {
                Check::Failed(reason.item.clone().filter(|item| !item.is_empty()))
            }
            _ => Check::Held,
        };
        return Ok(Attempt::Ended(Outcome::Refused(reasons.iter().map(check).collect())));
    }
    let passing = ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    match codes().find(|code| !passing.contains(code)) {
        Some(code) => Err(Error::Internal(format!("DynamoDB cancelled a transaction: {code}"))),
        None => Ok(Attempt::Busy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
    }

    #[test]
    fn a_failed_condition_outranks_a_conflict() {
        let attempt = read(&reasons(&["TransactionConflict", "ConditionalCheckFailed"])).unwrap();
        let Attempt::Ended(Outcome::Refused(checks)) = attempt else { panic!("{attempt:?}") };
        assert!(matches!(checks.as_slice(), [Check::Held, Check::Failed(None)]));
    }

    #[test]
    fn conflicts_and_throttling_are_tried_again() {
        assert!(matches!(read(&reasons(&["None", "TransactionConflict"])), Ok(Attempt::Busy)));
        assert!(matches!(read(&reasons(&["ThrottlingError", "None"])), Ok(Attempt::Busy)));
    }

    #[test]
    fn what_no_retry_mends_is_our_fault() {
        assert!(matches!(read(&reasons(&["None", "ValidationError"])), Err(Error::Internal(_))));
    }
}
