//! Payments dead-letter queue: gives up orders whose messages keep failing, once they are old enough.

use lambda_kit::{aws::Aws, batch, config, logging, queue::Queue};
use payments::{PaymentProcessor, PaymentsQueue, Provider, process_messages};

/// A message that keeps failing stays in the dead-letter queue for people to look at, and is retried less and less often.
const MAX_PAUSE_SECONDS: u32 = 60 * 60;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    logging::init()?;
    let aws = Aws::from_env()?;
    let queue = &PaymentsQueue {
        queue: Queue::new(aws.sqs(), config::required("PAYMENTS_DEAD_LETTER_QUEUE_URL")?),
        dead_letters: None,
        max_pause_seconds: MAX_PAUSE_SECONDS,
    };
    let processor = &PaymentProcessor::from_env(&aws, Provider::from_env(&aws).await?)?;
    batch::serve(|batch, deadline| {
        process_messages(queue, batch, deadline, move |order_id, attempts| {
            processor.give_up_if_old(order_id, attempts, deadline)
        })
    })
    .await
}
