//! Sends a payment request for each record of the orders table's stream: the outbox pattern.
//!
//! The filters in the template pass new orders, which are to be charged, and cancelled ones, which are to be refunded. The
//! message is the same for both: payments reads from the order what is due. A record whose message SQS does not accept is
//! reported by its sequence number, and Lambda retries it for as long as the stream has it. One that cannot be read never
//! could be: it is logged and left, so that it does not hold up its shard, and the sweep finds its order.

use lambda_kit::{
    Deadline, Error,
    batch::{Batch, BatchResponse},
    queue::{OutgoingMessage, Queue},
};
use serde_json::Value;

use crate::payment_request::PaymentRequest;

/// Requests the payment or refund of each order of the batch.
pub async fn request_payments(queue: &Queue, batch: Batch, deadline: Deadline) -> BatchResponse {
    let (mut sequence_numbers, mut messages) = (Vec::new(), Vec::new());
    for record in &batch.records {
        let sequence_number = sequence_number(record);
        match payment_message(record) {
            Ok(message) => {
                sequence_numbers.push(sequence_number);
                messages.push(message);
            }
            Err(error) => tracing::error!(sequence_number, %error, "stream record left to the sweep"),
        }
    }
    let mut failed = Vec::new();
    for (sequence_number, result) in sequence_numbers.into_iter().zip(queue.send(&messages, deadline).await) {
        if let Err(error) = result {
            tracing::warn!(sequence_number, %error, "payment not requested");
            failed.push(sequence_number);
        }
    }
    BatchResponse::failed(failed)
}

/// The identifier of the record. Lambda treats an empty one as a failure of the whole batch, which is right for a record
/// without a sequence number.
fn sequence_number(record: &Value) -> String {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned()
}

/// The payment request for a stream record.
///
/// # Errors
/// When the record has no order id.
pub fn payment_message(record: &Value) -> Result<OutgoingMessage, Error> {
    let key = record["dynamodb"]["Keys"]["order_id"]["S"].as_str().unwrap_or_default();
    let order_id =
        key.parse().map_err(|error| Error::unreadable("the order id of a stream record", error))?;
    let correlation_id = record["dynamodb"]["NewImage"]["correlation_id"]["S"].as_str();
    let correlation_id = correlation_id.filter(|id| !id.is_empty()).map(str::to_owned);
    Ok(OutgoingMessage { body: PaymentRequest { order_id }.to_body()?, correlation_id })
}
