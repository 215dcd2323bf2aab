//! What is wrong with a template. All of it is collected, so that it is reported at once.

use std::{
    cell::RefCell,
    fmt::{self, Display},
    path::PathBuf,
};

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
    /// The template breaks rules, or uses what is not supported.
    #[error("{}", list(path, problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// In the order of their places; at least one.
        problems: Vec<Problem>,
    },
}

/// A place in a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
}

impl Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A mistake, and what is expected instead; or a warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it is.
    pub at: Position,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Problem {
    /// A problem at a place of the template.
    pub fn new(at: Position, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// A line for each problem, as compilers write them, and their number if there are many.
fn list(path: &std::path::Path, problems: &[Problem]) -> String {
    let path = path.display();
    let mut text: Vec<_> =
        problems.iter().map(|Problem { at, message }| format!("{path}:{at}: {message}")).collect();
    if problems.len() > 1 {
        text.push(format!("{path} has {} problems", problems.len()));
    }
    text.join("\n")
}

/// Why a value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Invalid {
    Because(Problem),
    /// For a reason that is noted already.
    Noted,
}

/// The problems that have been found so far.
#[derive(Debug, Default)]
pub(crate) struct Notes(RefCell<Vec<Problem>>);

impl Notes {
    pub(crate) fn problem(&self, at: Position, message: impl Into<String>) {
        self.0.borrow_mut().push(Problem::new(at, message));
    }

    pub(crate) fn invalid(&self, invalid: Invalid) {
        if let Invalid::Because(problem) = invalid {
            self.0.borrow_mut().push(problem);
        }
    }

    /// The value; if there is none, the reason is noted.
    pub(crate) fn valid<T>(&self, value: Result<T, Invalid>) -> Option<T> {
        value.map_err(|invalid| self.invalid(invalid)).ok()
    }

    /// All problems, each once, in the order of their places.
    pub(crate) fn into_problems(self, others: Vec<Problem>) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.extend(others);
        problems.sort();
        problems.dedup();
        problems
    }
}
