//! The embedded SQS: rustack, an SQS API in memory, on a loopback port.

mod rules;

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use loopback::Clients;
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::{
    body::SqsResponseBody,
    dispatch::SqsHandler,
    service::{SqsHttpConfig, SqsHttpService},
};
use rustack_sqs_model::{error::SqsError, operations::SqsOperation};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{aws_account::AwsAccount, error::Error, server};

/// An SQS client for a local endpoint.
#[must_use]
pub fn client(endpoint: &str, region: &str, access_key_id: &str) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&embedded_dynamodb::local_config(endpoint, region, access_key_id))
}

/// Serves on `port` of 127.0.0.1 (0 takes any free one) until `stop`, and returns the URL: `http://127.0.0.1:PORT`.
///
/// # Errors
/// When the port is taken.
pub async fn start(port: u16, account: &AwsAccount, stop: CancellationToken) -> Result<String, Error> {
    let listener = server::listen(port, "--sqs-port").await?;
    let url = listener.url();
    let config = SqsConfig {
        skip_signature_validation: true,
        default_region: account.region.clone(),
        account_id: account.id.clone(),
        host: "127.0.0.1".to_owned(),
        port: listener.port(),
    };
    let checked = Checked(Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(config)))));
    let service = SqsHttpService::new(
        Arc::new(checked),
        SqsHttpConfig { region: account.region.clone(), ..SqsHttpConfig::default() },
    );
    tokio::spawn(loopback::serve(listener, Clients::OfThisMachine, stop, service));
    Ok(url)
}

/// rustack behind the rules of SQS that it lacks.
#[derive(Debug)]
struct Checked(Arc<RustackSqsHandler>);

type Handled = Result<Response<SqsResponseBody>, SqsError>;

impl SqsHandler for Checked {
    fn handle_operation(
        &self,
        operation: SqsOperation,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Handled> + Send>> {
        let rustack = Arc::clone(&self.0);
        Box::pin(async move {
            // What is no JSON is the server's to refuse.
            rules::check(operation, &serde_json::from_slice(&body).unwrap_or_default())?;
            let response = rustack.handle_operation(operation, body).await?;
            match operation {
                SqsOperation::ListDeadLetterSourceQueues => with_lower_case_member(response).await,
                _ => Ok(response),
            }
        })
    }
}

/// The list of `ListDeadLetterSourceQueues` is `queueUrls`, unlike that of `ListQueues`.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListDeadLetterSourceQueues.html>
async fn with_lower_case_member(response: Response<SqsResponseBody>) -> Handled {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| SqsError::internal_error(error.to_string()))?.to_bytes();
    let mut list: Value = serde_json::from_slice(&body).unwrap_or_default();
    let urls = list.as_object_mut().and_then(|list| list.remove("QueueUrls"));
    list["queueUrls"] = urls.unwrap_or_else(|| json!([]));
    Ok(Response::from_parts(head, SqsResponseBody::from_bytes(list.to_string())))
}
