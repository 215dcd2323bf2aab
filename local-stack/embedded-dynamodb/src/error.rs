//! Errors of the server and of calls to it.

use std::{error::Error as StdError, fmt::Display, path::Path};

use aws_sdk_dynamodb::error::BuildError;

/// Why the server or a call failed, and what to do about it.
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
        /// The error of the database or the operating system.
        cause: String,
    },
    /// A table exists with another primary key.
    #[error(
        "the table {0} exists with another primary key than template.yaml declares: delete it (or its data folder), or give the table another name"
    )]
    OtherKey(String),
    /// A call to the endpoint failed.
    #[error("DynamoDB cannot {action}: {cause}. {}", advice(cause))]
    Call {
        /// What DynamoDB was to do: `describe the table Orders`.
        action: String,
        /// The error and its sources.
        cause: String,
    },
}

impl Error {
    pub(crate) fn data(folder: &Path, cause: &dyn Display) -> Self {
        Self::Data { folder: folder.display().to_string(), cause: cause.to_string() }
    }

    pub(crate) fn call(action: &str, error: &dyn StdError) -> Self {
        Self::Call { action: action.to_owned(), cause: error_chain(error) }
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        Self::call("take the template's table", &error)
    }
}

fn advice(cause: &str) -> &'static str {
    if cause.contains("disk is full") {
        "Make room on the disk that holds the data folder (--data), or else the temporary folder (TMPDIR)"
    } else {
        "Is the endpoint right, and does it answer?"
    }
}

/// An error and its sources in one line, outermost first.
#[must_use]
pub fn error_chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
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
