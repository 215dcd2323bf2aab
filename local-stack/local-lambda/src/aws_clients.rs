//! Clients for the stack's own DynamoDB and SQS.

use std::time::Duration;

use aws_sdk_sqs::config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};

/// Builds clients for servers on this machine, which speak plain HTTP and take any credentials.
#[derive(Clone, Debug)]
pub struct AwsClients {
    region: String,
    dynamodb_endpoint: String,
    sqs_endpoint: String,
    access_key_id: String,
}

/// A local server answers within milliseconds, a busy machine within seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

impl AwsClients {
    /// Clients for these endpoints.
    #[must_use]
    pub fn new(region: &str, dynamodb_endpoint: &str, sqs_endpoint: &str) -> Self {
        Self {
            region: region.to_owned(),
            dynamodb_endpoint: dynamodb_endpoint.to_owned(),
            sqs_endpoint: sqs_endpoint.to_owned(),
            access_key_id: "local".to_owned(),
        }
    }

    /// The same clients, signing with another access key id: emulators tell callers apart by it.
    #[must_use]
    pub fn signed_by(self, access_key_id: &str) -> Self {
        Self { access_key_id: access_key_id.to_owned(), ..self }
    }

    /// A DynamoDB client.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        embedded_dynamodb::client(&self.dynamodb_endpoint, &self.region, &self.access_key_id)
    }

    /// An SQS client.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(embedded_dynamodb::credentials(&self.access_key_id))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts.operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
            .endpoint_url(&self.sqs_endpoint);
        aws_sdk_sqs::Client::from_conf(config.build())
    }
}
