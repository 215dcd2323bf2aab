//! Every five minutes: requests overdue payments and refunds again.

use lambda_kit::{Deadline, aws::Aws, config, logging, queue::Queue};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use orders::{Orders, sweep};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init()?;
    let aws = Aws::from_env()?;
    let orders = &Orders::from_env(&aws)?;
    let queue = &Queue::new(aws.sqs(), config::required("PAYMENTS_QUEUE_URL")?);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        let swept = sweep(orders, queue, Deadline::from_context(&event.context)).await?;
        let request_id = event.context.request_id;
        tracing::info!(request_id, overdue = swept.overdue, requested = swept.requested, "invocation");
        Ok::<_, Error>(())
    }))
    .await
}
