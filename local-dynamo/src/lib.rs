//! DynamoDB for development: an embedded server, the tables that template.yaml declares, and the demo catalogue.
//!
//! - [`Embedded`] serves the DynamoDB API on loopback, from a temporary folder or one that stays
//! - [`ensure_tables`] creates and updates tables on any endpoint: embedded, DynamoDB Local, another emulator
//! - [`seed()`] fills the catalogue; doing it twice changes nothing

mod embedded;
mod seed;
mod tables;

pub use embedded::Embedded;
pub use seed::{Seeded, seed};
pub use tables::{ensure_tables, stream_arns};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodbstreams::config::{BehaviorVersion, Region};
use shared::aws::Aws;

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
    /// A table is there with another primary key.
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
    /// The seed file is not a list of products.
    #[error("the seed is not a list of products: {0}")]
    Seed(String),
}

/// What to do about a call that failed.
fn advice(cause: &str) -> &'static str {
    if cause.contains("disk is full") {
        "Make room on the disk that holds the data folder (--data), or else the temporary folder (TMPDIR)"
    } else {
        "Is the endpoint right, and does it answer?"
    }
}

/// A client for a local endpoint, which takes any credentials.
#[must_use]
pub fn client(endpoint: &str, region: &str) -> Client {
    Aws::local(region, endpoint, endpoint).dynamodb()
}

/// A client for the streams of a local endpoint, which speaks plain HTTP.
#[must_use]
pub fn streams_client(endpoint: &str, region: &str) -> aws_sdk_dynamodbstreams::Client {
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint);
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
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
