//! Orders stream: sends a payment request to the payments queue for each new order and each cancelled one.

use lambda_kit::{aws::Aws, batch, config, logging, queue::Queue};
use orders::request_payments;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    logging::init()?;
    let queue = &Queue::new(Aws::from_env()?.sqs(), config::required("PAYMENTS_QUEUE_URL")?);
    batch::serve(|batch, deadline| request_payments(queue, batch, deadline)).await
}
