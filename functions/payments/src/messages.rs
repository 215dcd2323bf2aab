//! Batches of payment requests: both queue functions process each message on its own and retry the failed ones.

use std::future::Future;

use lambda_kit::{
    Deadline, Error,
    batch::{self, Batch, BatchResponse, Failure},
    queue::{Message, Queue},
};
use orders::{OrderId, PaymentRequest};

use crate::processor::PaymentOutcome;

/// Runs `process` concurrently with the order id and the receive count of every message.
///
/// A message that cannot be read, fails or panics is reported as failed, and its visibility timeout is set to a pause that
/// grows up to `max_pause_seconds`.
pub async fn process_messages<F, Fut>(
    queue: &Queue,
    max_pause_seconds: u32,
    batch: Batch,
    deadline: Deadline,
    process: F,
) -> BatchResponse
where
    F: Fn(OrderId, u32) -> Fut,
    Fut: Future<Output = Result<PaymentOutcome, Error>>,
{
    let messages: Vec<_> = batch.records.into_iter().map(Message::read).collect();
    let results = batch::process_each(&messages, |message| async {
        let Ok(message) = message else { return Err(Error::Internal("not an SQS record".to_owned())) };
        let request = PaymentRequest::from_body(&message.body)?;
        let outcome = process(request.order_id, message.receive_count()).await?;
        let (attempts, correlation_id) = (message.receive_count(), message.correlation_id());
        tracing::info!(order_id = %request.order_id, correlation_id, ending = ?outcome, attempts, "payment");
        Ok(outcome)
    })
    .await;
    let mut failed = Vec::new();
    for (message, result) in messages.iter().zip(results) {
        let Err(failure) = result else { continue };
        // A record without an id fails its batch: that is how Lambda treats an empty identifier.
        failed.push(message.as_ref().map(|message| message.message_id.clone()).unwrap_or_default());
        if let Ok(message) = message {
            log_failure(message, &failure);
            if let Err(error) = queue.retry_later(message, max_pause_seconds, deadline).await {
                tracing::warn!(message_id = message.message_id, %error, "visibility timeout left as it is");
            }
        }
    }
    BatchResponse::failed(failed)
}

fn log_failure(message: &Message, failure: &Failure<Error>) {
    let (message_id, correlation_id) = (&message.message_id, message.correlation_id());
    let attempts = message.receive_count();
    match failure {
        Failure::Error(Error::Unavailable { .. }) => {
            tracing::warn!(message_id, correlation_id, attempts, error = %failure, "payment failed");
        }
        _ => tracing::error!(message_id, correlation_id, attempts, error = %failure, "payment failed"),
    }
}
