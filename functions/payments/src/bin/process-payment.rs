//! Payments queue: charges each order and settles it, or refunds a cancelled one.

use lambda_kit::{aws::Aws, batch, config, logging, queue::Queue};
use payments::{PaymentProcessor, Provider, process_messages};

/// The queue allows five receives: a message is retried after about 1, 2, 4 and 8 seconds, and after 16 more it is in the
/// dead-letter queue.
const MAX_PAUSE_SECONDS: u32 = 60;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    logging::init()?;
    let aws = Aws::from_env()?;
    let queue = &Queue::new(aws.sqs(), config::required("PAYMENTS_QUEUE_URL")?);
    let processor = &PaymentProcessor::from_env(&aws, Provider::from_env(&aws).await?)?;
    batch::serve(|batch, deadline| {
        process_messages(queue, MAX_PAUSE_SECONDS, batch, deadline, move |order_id, attempts| {
            processor.pay(order_id, attempts, deadline)
        })
    })
    .await
}
