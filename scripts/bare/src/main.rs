//! A bare function: one GetItem, everything else as the crates' documentation has it.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    let client = &client;
    run(service_fn(move |_: Request| async move {
        let key = AttributeValue::S("1".to_owned());
        let item = client.get_item().table_name("table").key("id", key).send().await?;
        Ok::<_, Error>(Response::new(Body::Text(format!("{}", item.item.is_some()))))
    }))
    .await
}
