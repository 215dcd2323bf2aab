//! The errors that every service has, free of any transport: what went wrong outside, and what is our own fault.
//!
//! A service's own errors (out of stock, key reused) live in its crate and wrap this one. HTTP is the last step: each
//! error becomes exactly one [`Problem`]; a queue or stream record only asks "try again?".

use std::error::Error as StdError;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain_primitives::Problem;

/// Something that a client cannot mend.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A dependency did not answer in time, could not be reached, or asks to be called less. Trying again helps.
    #[error("{dependency} is unavailable: {detail}")]
    Unavailable {
        /// What was called: `DynamoDB`, `SQS`, the payment provider.
        dependency: &'static str,
        /// For the log, never for the client.
        detail: String,
    },
    /// A fault of ours: a request that AWS refuses, an item that cannot be read. Trying again does not help.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A dependency that failed for now.
    pub fn unavailable(dependency: &'static str, detail: impl Into<String>) -> Self {
        Self::Unavailable { dependency, detail: detail.into() }
    }

    /// A stored item that this version of the code cannot read.
    pub fn unreadable(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Internal(format!("cannot read {what}: {error}"))
    }

    /// Sorts a failed call to an AWS service into "try again" and "our fault", with the whole chain of causes.
    ///
    /// Throttling, limits, internal errors, timeouts and connections that break are the service's; what it refuses
    /// (validation, access, a missing table) is ours.
    pub fn from_sdk<E, R>(dependency: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: StdError + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
        SdkError<E, R>: StdError,
    {
        let detail = chain(error);
        let refused = match error {
            SdkError::ServiceError(service) => service.err().code().is_some_and(is_refusal),
            SdkError::ConstructionFailure(_) => true,
            _ => false,
        };
        if refused {
            Self::Internal(format!("{dependency} refused: {detail}"))
        } else {
            Self::unavailable(dependency, detail)
        }
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

/// Error codes that no retry mends: `DynamoDB` and SQS answer them with status 400.
fn is_refusal(code: &str) -> bool {
    const REFUSALS: [&str; 8] = [
        "AccessDeniedException",
        "AWS.SimpleQueueService.NonExistentQueue",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "ValidationException",
    ];
    // JSON protocols prefix codes with a namespace: com.amazonaws.sqs#QueueDoesNotExist.
    let code = code.rsplit('#').next().unwrap_or(code);
    REFUSALS.contains(&code)
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
    use super::*;

    #[test]
    fn refusals_are_known_with_and_without_namespace() {
        assert!(is_refusal("ValidationException"));
        assert!(is_refusal("com.amazonaws.sqs#QueueDoesNotExist"));
        assert!(!is_refusal("ProvisionedThroughputExceededException"));
        assert!(!is_refusal("InternalServerError"));
    }
}
