//! The services that a proxy can forward to.

use serde::{Deserialize, Serialize};

/// The API behind a proxy. Serialized as `dynamodb`, `sqs` or `web`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// DynamoDB and DynamoDB Streams: AWS JSON 1.0.
    DynamoDb,
    /// SQS, in its AWS JSON protocol.
    Sqs,
    /// Any other HTTP API, such as a payment provider's. AWS bills nothing for it.
    Web,
}

impl Service {
    /// The error type for a failure of the service itself.
    pub(crate) fn internal_error(self) -> &'static str {
        match self {
            Self::DynamoDb => "com.amazonaws.dynamodb.v20120810#InternalServerError",
            Self::Sqs => "com.amazonaws.sqs#InternalError",
            Self::Web => "InternalServerError",
        }
    }

    /// The `Content-Type` of its responses.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::DynamoDb | Self::Sqs => "application/x-amz-json-1.0",
            Self::Web => "application/json",
        }
    }
}
