//! Clients for local endpoints, which use plain HTTP and accept any credentials.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig},
};

/// A local endpoint responds within milliseconds, on a busy machine within seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client for a local endpoint. Emulators distinguish callers by the access key id.
#[must_use]
pub fn client(endpoint: &str, region: &str, access_key_id: &str) -> Client {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials(access_key_id))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts.operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

/// A client for the streams of a local endpoint.
#[must_use]
pub fn streams_client(endpoint: &str, region: &str) -> aws_sdk_dynamodbstreams::Client {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials("local"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint);
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
}

/// Credentials for servers that accept any.
#[must_use]
pub fn credentials(access_key_id: &str) -> Credentials {
    Credentials::new(access_key_id, "local", None, None, "local")
}
