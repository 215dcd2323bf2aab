//! Clients for local endpoints, which use plain HTTP and accept any credentials.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;

/// A local endpoint responds within milliseconds, on a busy machine within seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The configuration of any SDK client for a local endpoint. Emulators distinguish callers by the access key id.
#[must_use]
pub fn local_config(endpoint: &str, region: &str, access_key_id: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key_id, "local", None, None, "local");
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts.operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
        .endpoint_url(endpoint)
        .build()
}

/// A DynamoDB client for a local endpoint.
#[must_use]
pub fn client(endpoint: &str, region: &str, access_key_id: &str) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&local_config(endpoint, region, access_key_id))
}

/// A client for the streams of a local endpoint.
#[must_use]
pub fn streams_client(endpoint: &str, region: &str) -> aws_sdk_dynamodbstreams::Client {
    aws_sdk_dynamodbstreams::Client::new(&local_config(endpoint, region, "local"))
}
