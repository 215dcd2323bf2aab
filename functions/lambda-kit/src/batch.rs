//! Batches of queue and stream records: a function receives a batch and reports the records that failed
//! (`ReportBatchItemFailures`).
//!
//! Each record is processed on its own: one that cannot be parsed, fails or panics does not fail the others.

use std::{any::Any, fmt::Display, future::Future, panic::AssertUnwindSafe, time::Instant};

use futures_util::{FutureExt, future::join_all};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Deadline, json::Objects};

/// An SQS or DynamoDB Streams event. Records are parsed one by one, so that a malformed one does not fail its batch.
#[derive(Debug)]
pub struct Batch {
    /// The records in the order of their source.
    pub records: Vec<Value>,
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(event: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Event {
            #[serde(rename = "Records")]
            records: Vec<Value>,
        }
        let Event { records } = Event::deserialize(Objects(event))?;
        Ok(Self { records })
    }
}

/// The records that failed. Lambda retries these, and the others are done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// An empty list means that the whole batch is done.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A record that failed: the message id of an SQS record, the sequence number of a stream record.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Identifies the record for the event source.
    pub item_identifier: String,
}

impl BatchResponse {
    /// Reports the records of these identifiers as failed.
    #[must_use]
    pub fn failed(identifiers: impl IntoIterator<Item = String>) -> Self {
        let failure = |item_identifier| BatchItemFailure { item_identifier };
        Self { batch_item_failures: identifiers.into_iter().map(failure).collect() }
    }
}

/// Handles events with `handler` until Lambda ends the execution environment, and logs one line for each.
///
/// # Errors
/// When the Runtime API cannot be reached.
pub async fn serve<'a, F, Fut>(handler: F) -> Result<(), lambda_runtime::Error>
where
    F: Fn(Batch, Deadline) -> Fut,
    Fut: Future<Output = BatchResponse> + Send + 'a,
{
    let mut cold = true;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Batch>| {
        let started = Instant::now();
        let cold_start = std::mem::take(&mut cold);
        let LambdaEvent { payload, context } = event;
        let records = payload.records.len();
        let response = handler(payload, Deadline::from_context(&context));
        async move {
            let response = response.await;
            let failed = response.batch_item_failures.len();
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let request_id = context.request_id;
            tracing::info!(request_id, records, failed, duration_ms, cold_start, "invocation");
            Ok::<_, lambda_runtime::Error>(response)
        }
    }))
    .await
}

/// Runs `process` for all items concurrently and returns the results in the order of the items. A panic becomes the error
/// of its item.
pub async fn process_each<I, T, E, F, Fut>(items: I, process: F) -> Vec<Result<T, Failure<E>>>
where
    I: IntoIterator,
    F: Fn(I::Item) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Display,
{
    let process = &process;
    join_all(items.into_iter().map(|item| async move {
        match AssertUnwindSafe(async move { process(item).await }).catch_unwind().await {
            Ok(result) => result.map_err(Failure::Error),
            Err(panic) => Err(Failure::Panic(message(panic.as_ref()))),
        }
    }))
    .await
}

/// Why a record failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure<E> {
    /// The error that processing it returned.
    #[error("{0}")]
    Error(E),
    /// Processing it panicked; the execution environment continues.
    #[error("panicked: {0}")]
    Panic(String),
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_one_record_is_that_records_failure() {
        let results = process_each([1, 2, 3], |number| async move {
            assert!(number != 2, "two is bad");
            if number == 3 { Err("three") } else { Ok(number) }
        })
        .await;
        assert!(matches!(results[0], Ok(1)));
        assert!(matches!(&results[1], Err(Failure::Panic(text)) if text.contains("two is bad")));
        assert!(matches!(results[2], Err(Failure::Error("three"))));
    }

    #[test]
    fn an_event_is_an_object() {
        assert_eq!(serde_json::from_str::<Batch>(r#"{"Records":[1,2]}"#).unwrap().records.len(), 2);
        assert!(serde_json::from_str::<Batch>("[[1,2]]").is_err());
    }

    #[test]
    fn the_response_has_the_shape_that_lambda_reads() {
        let response = BatchResponse::failed(["a".to_owned()]);
        assert_eq!(
            serde_json::to_string(&response).unwrap(),
            r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#
        );
        assert_eq!(serde_json::to_string(&BatchResponse::default()).unwrap(), r#"{"batchItemFailures":[]}"#);
    }
}
