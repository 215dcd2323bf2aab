//! The embedded SQS: rustack, an SQS API in memory, on a loopback port.

use std::sync::Arc;

use loopback::Clients;
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
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
    let handler = Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(config))));
    let service = SqsHttpService::new(
        handler,
        SqsHttpConfig { region: account.region.clone(), ..SqsHttpConfig::default() },
    );
    tokio::spawn(loopback::serve(listener, Clients::OfThisMachine, stop, service));
    Ok(url)
}
