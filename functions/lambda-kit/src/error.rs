//! The errors that every service has: a dependency is unavailable, or the fault is ours.
//!
//! A service's own errors (out of stock, key reused) live in its crate and wrap this one. They know nothing of HTTP: as
//! the last step, each becomes exactly one [`Problem`]. For a record of a queue or stream they only decide whether it is
//! retried.

use std::{error::Error as StdError, time::Duration};

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use domain_primitives::Problem;

/// An error that a client cannot fix.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A dependency did not respond in time, could not be reached, or throttles. A retry may succeed.
    #[error("{dependency} is unavailable: {detail}")]
    Unavailable {
        /// What was called: `DynamoDB`, `SQS`, the payment provider.
        dependency: &'static str,
        /// For the log, never for the client.
        detail: String,
        /// How long the dependency asks us to wait before a retry, if it says so.
        retry_after: Option<Duration>,
    },
    /// A fault of ours: a request that AWS refuses, an item that cannot be read. A retry would fail, too.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A dependency that failed; a retry may succeed.
    pub fn unavailable(dependency: &'static str, detail: impl Into<String>) -> Self {
        Self::Unavailable { dependency, detail: detail.into(), retry_after: None }
    }

    /// The same error with the time that the dependency asks us to wait before a retry.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        match self {
            Self::Unavailable { dependency, detail, .. } => {
                Self::Unavailable { dependency, detail, retry_after }
            }
            Self::Internal(_) => self,
        }
    }

    /// How long the dependency asks us to wait before a retry, if it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Internal(_) => None,
        }
    }

    /// A stored item that this version of the code cannot read.
    pub fn unreadable(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Internal(format!("cannot read {what}: {error}"))
    }

    /// Classifies the error of a call to an AWS service, with the whole chain of causes.
    ///
    /// Throttling, server errors (5xx), timeouts and broken connections are [`Error::Unavailable`]. Everything else that
    /// the service refuses is our fault: an invalid request, a missing table, a wrong key, an expired token. The codes
    /// are those that the SDK's retry classifier knows; the error types' own `retryable_error_kind` is `None` for every
    /// operation that the shop uses.
    pub fn from_sdk<E>(service: &'static str, error: &SdkError<E>) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        let detail = chain(error);
        let unavailable = match error {
            SdkError::ServiceError(response) => {
                response.raw().status().is_server_error() || response.err().code().is_some_and(is_retryable)
            }
            SdkError::DispatchFailure(failure) => !failure.is_user(),
            SdkError::ConstructionFailure(_) => false,
            _ => true,
        };
        if unavailable {
            Self::unavailable(service, detail)
        } else {
            Self::Internal(format!("{service} refused: {detail}"))
        }
    }
}

/// An SDK builder lacks a required member: our fault.
impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable { .. } => Self::unavailable(error.to_string()),
            Error::Internal(cause) => Self::internal(cause),
        }
    }
}

/// Whether an error code means that the service is overloaded or that the call met another one.
pub(crate) fn is_retryable(code: &str) -> bool {
    /// Codes that the SDK's lists lack: an item that a transaction is writing, and a KMS key that SQS uses too often.
    const OTHERS: &[&str] = &["TransactionConflictException", "KMS.ThrottlingException"];
    [THROTTLING_ERRORS, TRANSIENT_ERRORS, OTHERS].iter().any(|codes| codes.contains(&code))
}

/// An error and its causes in one line, outermost first.
#[must_use]
pub fn chain(error: &dyn StdError) -> String {
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
    use aws_sdk_dynamodb::{config::retry::RetryConfig, types::AttributeValue};
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::aws::Aws;

    /// A server that answers every request with this status and error code, as AWS's JSON protocols do.
    async fn failing_service(status: u16, code: &str) -> Aws {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let body = format!(r#"{{"__type":"com.amazonaws.service#{code}","message":"no"}}"#);
        let length = body.len();
        let response =
            format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    stream.read_buf(&mut request).await.unwrap();
                }
                stream.write_all(response.as_bytes()).await.unwrap();
            }
        });
        Aws::local("us-east-1", &url, &url)
    }

    /// The error of a read from DynamoDB, by the SDK's own way from the response to the error type.
    async fn dynamodb(status: u16, code: &str) -> Error {
        let client = failing_service(status, code).await.dynamodb();
        let config = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        let request = client.get_item().table_name("t").key("k", AttributeValue::S("v".to_owned()));
        Error::from_sdk("DynamoDB", &request.send().await.unwrap_err())
    }

    async fn sqs(status: u16, code: &str) -> Error {
        let client = failing_service(status, code).await.sqs();
        let config = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        let request = aws_sdk_sqs::Client::from_conf(config).get_queue_attributes().queue_url("https://q");
        Error::from_sdk("SQS", &request.send().await.unwrap_err())
    }

    #[tokio::test]
    async fn overload_and_server_errors_of_aws_are_unavailable() {
        for (status, code) in [
            (400, "ThrottlingException"),
            (400, "ProvisionedThroughputExceededException"),
            (400, "RequestLimitExceeded"),
            (400, "TransactionInProgressException"),
            (400, "TransactionConflictException"),
            (500, "InternalServerError"),
            (503, "ServiceUnavailable"),
        ] {
            let error = dynamodb(status, code).await;
            assert!(matches!(error, Error::Unavailable { dependency: "DynamoDB", .. }), "{code}: {error:?}");
        }
        for (status, code) in [
            (400, "RequestThrottled"),
            (400, "ThrottlingException"),
            (400, "KMS.ThrottlingException"),
            (500, "InternalFailure"),
        ] {
            let error = sqs(status, code).await;
            assert!(matches!(error, Error::Unavailable { dependency: "SQS", .. }), "{code}: {error:?}");
        }
    }

    #[tokio::test]
    async fn what_aws_refuses_is_our_fault() {
        for code in [
            "AccessDeniedException",
            "ExpiredTokenException",
            "InvalidSignatureException",
            "MissingAuthenticationTokenException",
            "ResourceNotFoundException",
            "UnrecognizedClientException",
            "ValidationException",
        ] {
            let error = dynamodb(400, code).await;
            assert!(matches!(&error, Error::Internal(why) if why.contains("DynamoDB")), "{code}: {error:?}");
        }
        for code in ["ExpiredTokenException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"]
        {
            let error = sqs(400, code).await;
            assert!(matches!(&error, Error::Internal(why) if why.contains("SQS")), "{code}: {error:?}");
        }
    }

    #[test]
    fn a_call_without_a_response_is_unavailable_unless_it_could_not_be_sent() {
        type GetItem = SdkError<aws_sdk_dynamodb::operation::get_item::GetItemError>;
        let unavailable = |error: GetItem| {
            matches!(Error::from_sdk("DynamoDB", &error), Error::Unavailable { dependency: "DynamoDB", .. })
        };
        assert!(unavailable(SdkError::timeout_error("no response in time")));
        assert!(unavailable(SdkError::dispatch_failure(ConnectorError::io("connection reset".into()))));
        assert!(unavailable(SdkError::dispatch_failure(ConnectorError::timeout("connect".into()))));
        assert!(!unavailable(SdkError::dispatch_failure(ConnectorError::user("not a URL".into()))));
        assert!(!unavailable(SdkError::construction_failure("a member is missing")));
    }
}
