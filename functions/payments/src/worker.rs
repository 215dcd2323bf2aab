//! What both queue functions do with a batch: each message on its own, the failed ones again later.

use std::future::Future;

use lambda_kit::{
    Deadline, Error,
    batch::{self, Batch, BatchResponse, Failure},
    queue::{Message, Queue},
};
use orders::OrderId;
use orders::PaymentRequest;

use crate::processor::PaymentOutcome;

/// Runs `step` with the order and the receive count of every message, all at once.
///
/// A message that cannot be read, fails or panics is reported and made to come again after a pause that grows up to
/// `ceiling_seconds`; the others are done.
pub async fn work<F, Fut>(
    queue: &Queue,
    ceiling_seconds: u32,
    batch: Batch,
    deadline: Deadline,
    step: F,
) -> BatchResponse
where
    F: Fn(OrderId, u32) -> Fut,
    Fut: Future<Output = Result<PaymentOutcome, Error>>,
{
    let messages: Vec<_> = batch.records.into_iter().map(Message::read).collect();
    let results = batch::process_each(&messages, |message| async {
        let Ok(message) = message else { return Err(Error::Internal("not an SQS record".to_owned())) };
        let request = PaymentRequest::from_body(&message.body)?;
        let ending = step(request.order_id, message.receive_count()).await?;
        let (attempts, correlation_id) = (message.receive_count(), message.correlation_id());
        tracing::info!(order_id = %request.order_id, correlation_id, ?ending, attempts, "payment");
        Ok(ending)
    })
    .await;
    let mut failed = Vec::new();
    for (message, result) in messages.iter().zip(results) {
        let Err(failure) = result else { continue };
        // A record without an id fails its batch: Lambda takes an empty identifier as that.
        failed.push(message.as_ref().map(|message| message.message_id.clone()).unwrap_or_default());
        if let Ok(message) = message {
            report(message, &failure);
            if let Err(error) = queue.retry_later(message, ceiling_seconds, deadline).await {
                tracing::warn!(message_id = message.message_id, %error, "visibility timeout left as it is");
            }
        }
    }
    BatchResponse::failed(failed)
}

fn report(message: &Message, failure: &Failure<Error>) {
    let (message_id, correlation_id) = (&message.message_id, message.correlation_id());
    let attempts = message.receive_count();
    match failure {
        Failure::Error(Error::Unavailable { .. }) => {
            tracing::warn!(message_id, correlation_id, attempts, error = %failure, "payment failed");
        }
        _ => tracing::error!(message_id, correlation_id, attempts, error = %failure, "payment failed"),
    }
}
