//! Why a template cannot be used.

use std::path::{Path, PathBuf};

/// One clear sentence about a template, with the line where it goes wrong.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}. Name the template with --template FILE.", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The template breaks a rule, or uses what is not supported.
    #[error("{}:{line}: {message}", .path.display())]
    At {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, and what is expected.
        message: String,
    },
    /// A parameter was given that the template does not have, or one has no value.
    #[error("{0}")]
    Parameter(String),
}

/// A fault in the template before its file is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }

    pub(crate) fn in_file(self, path: &Path) -> TemplateError {
        TemplateError::At { path: path.to_owned(), line: self.line, message: self.message }
    }
}
