//! The one place that builds the HTTP client and the SDK clients.
//!
//! Region, credentials and endpoints are read from the environment by hand: Lambda always sets them, and `aws-config`
//! would add the STS client and a credentials chain that no function needs (docs/decisions/0002). The trust roots are those
//! of the system, so they are renewed with the runtime; they are read only if an endpoint uses TLS.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_types::SdkConfig;

use crate::{
    Error, Secret,
    config::{self, ConfigError},
    parameter,
};

/// The configuration that the SDK clients of a function share. Build it once, outside the handler.
#[derive(Clone, Debug)]
pub struct Aws {
    region: Region,
    credentials: Credentials,
    dynamodb_endpoint: Option<String>,
    sqs_endpoint: Option<String>,
    ssm_endpoint: Option<String>,
    http: SharedHttpClient,
}

const CONNECT_TIMEOUT: Duration = Duration::from_millis(1000);
/// For one attempt: far above the latency of a healthy service, far below a function's timeout.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2000);
const MAX_ATTEMPTS: u32 = 3;

impl Aws {
    /// Reads region, credentials and endpoints as Lambda and the SDKs name them: `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_SQS`,
    /// `AWS_ENDPOINT_URL_SSM`, `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] without a region or credentials.
    pub fn from_env() -> Result<Self, ConfigError> {
        let credentials = Credentials::new(
            config::required("AWS_ACCESS_KEY_ID")?,
            config::required("AWS_SECRET_ACCESS_KEY")?,
            config::optional("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let endpoint = |name| config::optional(name).or_else(|| config::optional("AWS_ENDPOINT_URL"));
        let aws = Self::new(
            config::required("AWS_REGION")?,
            credentials,
            endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            endpoint("AWS_ENDPOINT_URL_SQS"),
        );
        Ok(Self { ssm_endpoint: endpoint("AWS_ENDPOINT_URL_SSM"), ..aws })
    }

    /// Clients for local servers, which accept any credentials.
    #[must_use]
    pub fn local(region: &str, dynamodb_endpoint: &str, sqs_endpoint: &str) -> Self {
        let credentials = Credentials::new("local", "local", None, None, "local");
        Self::new(
            region.to_owned(),
            credentials,
            Some(dynamodb_endpoint.to_owned()),
            Some(sqs_endpoint.to_owned()),
        )
    }

    fn new(
        region: String,
        credentials: Credentials,
        dynamodb_endpoint: Option<String>,
        sqs_endpoint: Option<String>,
    ) -> Self {
        let plain =
            |endpoint: &Option<String>| endpoint.as_ref().is_some_and(|url| url.starts_with("http://"));
        let http = if plain(&dynamodb_endpoint) && plain(&sqs_endpoint) {
            Builder::new().build_http()
        } else {
            Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
        };
        let region = Region::new(region);
        Self { region, credentials, dynamodb_endpoint, sqs_endpoint, ssm_endpoint: None, http }
    }

    /// The decrypted value of an SSM parameter. Call it at the start of the execution environment.
    ///
    /// # Errors
    /// When SSM does not respond, or has no such parameter for this function.
    pub async fn parameter(&self, name: &str) -> Result<Secret, Error> {
        let region = self.region.as_ref();
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let endpoint = self.ssm_endpoint.clone().unwrap_or_else(|| format!("https://ssm.{region}.{suffix}"));
        let endpoint = endpoint.trim_end_matches('/');
        parameter::get(endpoint, region, self.credentials.clone(), name).await
    }

    #[cfg(test)]
    pub(crate) fn with_ssm(self, endpoint: &str) -> Self {
        Self { ssm_endpoint: Some(endpoint.to_owned()), ..self }
    }

    /// A DynamoDB client.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config(self.dynamodb_endpoint.as_deref()))
    }

    /// An SQS client.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config(self.sqs_endpoint.as_deref()))
    }

    fn config(&self, endpoint: Option<&str>) -> SdkConfig {
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(self.region.clone())
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            .http_client(self.http.clone())
            .retry_config(retries())
            .timeout_config(timeouts());
        config.set_endpoint_url(endpoint.map(str::to_owned));
        config.build()
    }
}

/// The SDK's own retries, with jitter: of throttling, 5xx and broken connections. They do not cover transaction conflicts,
/// which [`crate::transaction`] retries.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(MAX_ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}
