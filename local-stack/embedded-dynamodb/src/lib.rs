//! An embedded DynamoDB on loopback, and the tables that a SAM template declares.
//!
//! - [`Embedded`] serves the DynamoDB API from a temporary folder or one that stays
//! - [`ensure_tables`] creates and updates tables on any endpoint: embedded, DynamoDB Local, another emulator
//! - [`client()`] and [`streams_client`] build clients for local endpoints

mod server;
mod tables;

pub use server::Embedded;
pub use tables::{ensure_tables, stream_arns};

use std::{error::Error as StdError, time::Duration};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig},
};

/// What can go wrong, each with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken.
    #[error(
        "port {0} is taken: stop what listens there, or choose another with --dynamodb-port (0 takes any free one)"
    )]
    PortTaken(u16),
    /// The data folder cannot be used.
    #[error(
        "cannot keep DynamoDB's data in {folder}: {cause}. Check the folder and the space on its disk, or name another with --data"
    )]
    Data {
        /// The folder.
        folder: String,
        /// What went wrong.
        cause: String,
    },
    /// A table exists with another primary key.
    #[error(
        "the table {0} exists with another primary key than template.yaml declares: delete it (or its data folder), or give the table another name"
    )]
    OtherKey(String),
    /// The endpoint does not do what is asked.
    #[error("DynamoDB cannot {action}: {cause}. {}", advice(cause))]
    Call {
        /// What was asked.
        action: String,
        /// What it answered.
        cause: String,
    },
}

/// What to do about a call that failed.
fn advice(cause: &str) -> &'static str {
    if cause.contains("disk is full") {
        "Make room on the disk that holds the data folder (--data), or else the temporary folder (TMPDIR)"
    } else {
        "Is the endpoint right, and does it answer?"
    }
}

/// A local endpoint answers within milliseconds, a busy machine within seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client for a local endpoint, which speaks plain HTTP and takes any credentials. Emulators tell callers apart by the
/// access key id.
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

/// A client for the streams of a local endpoint, which speaks plain HTTP and takes any credentials.
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

/// Credentials for servers that take any.
#[must_use]
pub fn credentials(access_key_id: &str) -> Credentials {
    Credentials::new(access_key_id, "local", None, None, "local")
}

/// An error and its causes in one line, outermost first.
#[must_use]
pub fn error_chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_not_blamed_on_the_endpoint() {
        let error =
            |cause: &str| Error::Call { action: "seed".to_owned(), cause: cause.to_owned() }.to_string();
        assert!(error("backend: database or disk is full").contains("Make room"));
        assert!(error("connection refused").contains("Is the endpoint right"));
    }
}
