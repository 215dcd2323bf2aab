//! Payments queue: charges each order and settles it, or refunds a cancelled one.

use lambda_kit::{aws::Aws, batch, config, logging, queue::Queue};
use payments::{PaymentProcessor, PaymentsQueue, Provider, process_messages};

/// A message is retried after about 1, 2, 4, ... seconds, and then every two minutes until its order is too old.
const MAX_PAUSE_SECONDS: u32 = 120;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    logging::init()?;
    let aws = Aws::from_env()?;
    let queue = &PaymentsQueue {
        queue: Queue::new(aws.sqs(), config::required("PAYMENTS_QUEUE_URL")?),
        dead_letters: Some(Queue::new(aws.sqs(), config::required("PAYMENTS_DEAD_LETTER_QUEUE_URL")?)),
        max_pause_seconds: MAX_PAUSE_SECONDS,
    };
    let processor = &PaymentProcessor::from_env(&aws, Provider::from_env(&aws).await?)?;
    batch::serve(|batch, deadline| {
        process_messages(queue, batch, deadline, move |order_id, attempts| {
            processor.pay(order_id, attempts, deadline)
        })
    })
    .await
}
