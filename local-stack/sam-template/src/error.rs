//! Errors in templates.

use std::path::{Path, PathBuf};

/// Why a template cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}. Name the template with --template FILE.", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The template breaks a rule, or uses something that is not supported.
    #[error("{}:{line}: {message}", .path.display())]
    At {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The mistake, and what is expected instead.
        message: String,
    },
    /// A value was given for a parameter that the template does not have, or a parameter has no value.
    #[error("{0}")]
    Parameter(String),
}

/// An error in a template whose file is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineError {
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl LineError {
    pub(crate) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }

    pub(crate) fn in_file(self, path: &Path) -> TemplateError {
        TemplateError::At { path: path.to_owned(), line: self.line, message: self.message }
    }
}
