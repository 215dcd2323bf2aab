//! Batches of payment requests: both queue functions process each message on its own and retry the failed ones.

use std::future::Future;

use lambda_kit::{
    Deadline, Error,
    batch::{self, Batch, BatchResponse, Failure},
    queue::{Message, OutgoingMessage, Queue},
};
use orders::{OrderId, PaymentRequest};

use crate::processor::PaymentOutcome;

/// A queue of payment requests, and what happens to its messages.
#[derive(Clone, Debug)]
pub struct PaymentsQueue {
    /// The queue itself.
    pub queue: Queue,
    /// Where messages go that can never be processed. `None` keeps them in the queue.
    pub dead_letters: Option<Queue>,
    /// The longest pause before a failed message is received again.
    pub max_pause_seconds: u32,
}

/// What became of a message.
enum Processed {
    Done,
    /// Its content is no payment request, or names no order. A retry would not change that.
    Unprocessable(String),
}

/// Runs `process` concurrently with the order id and the receive count of every message.
///
/// A message that fails or panics is reported as failed, and its visibility timeout is set to a pause that grows. One that
/// can never be processed is moved to the dead letters, or fails like the others if there is no such queue.
pub async fn process_messages<F, Fut>(
    source: &PaymentsQueue,
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
        match process_message(message, &process).await? {
            Processed::Done => Ok(()),
            Processed::Unprocessable(why) => set_aside(source, message, why, deadline).await,
        }
    })
    .await;
    let mut failed = Vec::new();
    for (message, result) in messages.iter().zip(results) {
        let Err(failure) = result else { continue };
        // A record without an id fails its batch: that is how Lambda treats an empty identifier.
        failed.push(message.as_ref().map(|message| message.message_id.clone()).unwrap_or_default());
        if let Ok(message) = message {
            log_failure(message, &failure);
            let retry_after = match &failure {
                Failure::Error(error) => error.retry_after(),
                Failure::Panic(_) => None,
            };
            let retry = source.queue.retry_later(message, source.max_pause_seconds, retry_after, deadline);
            if let Err(error) = retry.await {
                tracing::warn!(message_id = message.message_id, %error, "visibility timeout left as it is");
            }
        }
    }
    BatchResponse::failed(failed)
}

async fn process_message<F, Fut>(message: &Message, process: &F) -> Result<Processed, Error>
where
    F: Fn(OrderId, u32) -> Fut,
    Fut: Future<Output = Result<PaymentOutcome, Error>>,
{
    let request = match PaymentRequest::from_body(&message.body) {
        Ok(request) => request,
        Err(error) => return Ok(Processed::Unprocessable(error.to_string())),
    };
    let outcome = process(request.order_id, message.receive_count()).await?;
    let (attempts, correlation_id) = (message.receive_count(), message.correlation_id());
    tracing::info!(order_id = %request.order_id, correlation_id, ?outcome, attempts, "payment");
    Ok(match outcome {
        PaymentOutcome::UnknownOrder => {
            Processed::Unprocessable(format!("there is no order {}", request.order_id))
        }
        _ => Processed::Done,
    })
}

/// Moves a message to the dead letters, where people look at it.
async fn set_aside(
    source: &PaymentsQueue,
    message: &Message,
    why: String,
    deadline: Deadline,
) -> Result<(), Error> {
    let Some(dead_letters) = &source.dead_letters else { return Err(Error::Internal(why)) };
    let (message_id, correlation_id) = (&message.message_id, message.correlation_id());
    let copy =
        OutgoingMessage { body: message.body.clone(), correlation_id: correlation_id.map(str::to_owned) };
    for result in dead_letters.send(&[copy], deadline).await {
        result?;
    }
    tracing::error!(message_id, correlation_id, why, "message moved to the dead letters");
    Ok(())
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
