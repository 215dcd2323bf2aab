//! Batches of queue and stream records: each stands alone, and none is lost.

use std::time::Duration;

use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    batch::Batch,
    queue::{Message, Queue},
};
use orders::{PaymentRequest, payment_message};
use payments::{PaymentOutcome, PaymentsQueue};

/// An event for process-payment or fail-payment, whose payments all succeed: the records that cannot be read fail, each
/// under its own name, and no other.
pub(crate) fn sqs_batch(bytes: &[u8]) {
    let Ok(mut batch) = serde_json::from_slice::<Batch>(bytes) else { return };
    let mut expected = Vec::new();
    for record in &mut batch.records {
        // Without a receipt handle, nothing calls SQS.
        if let Some(record) = record.as_object_mut() {
            record.remove("receiptHandle");
        }
        match Message::read(record.clone()) {
            Ok(message) => match PaymentRequest::from_body(&message.body) {
                Ok(request) => {
                    let Ok(body) = request.to_body() else { panic!("{request:?} cannot be sent") };
                    assert_eq!(PaymentRequest::from_body(&body).ok(), Some(request));
                }
                Err(_) => expected.push(message.message_id),
            },
            Err(_) => expected.push(String::new()),
        }
    }
    let records = batch.records.len();
    let aws = Aws::local("us-east-1", "http://127.0.0.1:1", "http://127.0.0.1:1");
    // As fail-payment has it: what can never be processed stays where it is.
    let source = PaymentsQueue {
        queue: Queue::new(aws.sqs(), "http://127.0.0.1:1/queue".to_owned()),
        dead_letters: None,
        max_pause_seconds: 60,
    };
    let step = |_, _| async { Ok::<_, Error>(PaymentOutcome::Confirmed) };
    let work = payments::process_messages(&source, batch, Deadline::within(Duration::from_secs(5)), step);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { panic!("no runtime") };
    let answer = runtime.block_on(work);
    let failed: Vec<_> = answer.batch_item_failures.into_iter().map(|item| item.item_identifier).collect();
    assert_eq!(failed, expected, "of {records} records");
}

/// An event for request-payments: what is read asks for the payment of the record's own order.
pub(crate) fn stream_batch(bytes: &[u8]) {
    let Ok(batch) = serde_json::from_slice::<Batch>(bytes) else { return };
    for record in &batch.records {
        let Ok(message) = payment_message(record) else { continue };
        let Ok(request) = PaymentRequest::from_body(&message.body) else {
            panic!("{message:?} cannot be read")
        };
        assert_eq!(record["dynamodb"]["Keys"]["order_id"]["S"], request.order_id.to_string());
        assert_ne!(message.correlation_id.as_deref(), Some(""), "SQS refuses an empty attribute");
    }
}
