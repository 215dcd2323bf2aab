//! The stack's output: a line for each invocation, and the lines that functions log.

mod line;

use std::{
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use anstyle::AnsiColor;
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use self::line::Severity;
use self::line::{paint, printable};
use crate::invocation::{CompletedInvocation, Outcome};

/// Writes lines to standard output or any other writer.
#[derive(Clone)]
pub struct Report(Arc<Inner>);

struct Inner {
    lines: Lines,
    format: Format,
    colour: bool,
    out: Mutex<Box<dyn Write + Send>>,
}

/// Which lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Only the warnings and errors that functions log.
    Quiet,
    /// A line for each invocation as well.
    Invocations,
    /// Invocations and everything that functions log.
    All,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people; in colour on a terminal.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl Report {
    /// A report on standard output, coloured if that is a terminal and `NO_COLOR` is not set.
    #[must_use]
    pub fn new(lines: Lines, format: Format) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self::to(Box::new(std::io::stdout()), lines, format, colour)
    }

    /// A report on any writer.
    #[must_use]
    pub fn to(out: Box<dyn Write + Send>, lines: Lines, format: Format, colour: bool) -> Self {
        Self(Arc::new(Inner { lines, format, colour, out: Mutex::new(out) }))
    }

    /// Writes the line of an invocation.
    pub fn invocation(&self, invoked: &CompletedInvocation, severity: Severity, result: &str) {
        if self.0.lines == Lines::Quiet {
            return;
        }
        match self.0.format {
            Format::Text => self.write(&line::text(&clock(), invoked, severity, result, self.0.colour)),
            Format::Json => self.write_json("invocation", line::fields(invoked, severity, result)),
        }
    }

    /// Writes the line of an invocation whose outcome is its whole result.
    pub fn outcome(&self, invoked: &CompletedInvocation) {
        match invoked.outcome.error_message() {
            Some(error) => self.invocation(invoked, Severity::Failure, &error),
            None if invoked.outcome == Outcome::Throttled => {
                self.invocation(invoked, Severity::Failure, "throttled");
            }
            None => self.invocation(invoked, Severity::Success, "done"),
        }
    }

    /// Writes a line that a function has logged: warnings, errors and anything that is not a log line (a panic); other
    /// lines only with [`Lines::All`].
    pub fn log(&self, function: &str, line: &str) {
        let parsed = serde_json::from_str::<Value>(line).ok();
        let level = parsed.as_ref().and_then(|line| line["level"].as_str());
        if !level.is_none_or(|level| matches!(level, "WARN" | "ERROR")) && self.0.lines != Lines::All {
            return;
        }
        match self.0.format {
            Format::Text => {
                let line = paint(printable(line), AnsiColor::BrightBlack.on_default(), self.0.colour);
                self.write(&format!("{:<12} {function:<18} {line}", ""));
            }
            Format::Json => {
                let line = parsed.unwrap_or_else(|| json!(line));
                self.write_json("log", json!({"function": function, "line": line}));
            }
        }
    }

    /// Writes the HTTP API's access log line of a request. As text, only with [`Lines::All`].
    pub fn access(&self, line: &str) {
        match (self.0.format, self.0.lines) {
            (_, Lines::Quiet) | (Format::Text, Lines::Invocations) => {}
            (Format::Text, Lines::All) => {
                self.write(&paint(printable(line), AnsiColor::BrightBlack.on_default(), self.0.colour));
            }
            (Format::Json, _) => {
                let line = serde_json::from_str::<Value>(line).unwrap_or_else(|_| json!(line));
                self.write_json("access", json!({"line": line}));
            }
        }
    }

    /// Writes a line about the stack itself.
    pub fn note(&self, text: &str) {
        match self.0.format {
            Format::Text => self.write(text),
            Format::Json => self.write_json("stack", json!({"message": text.trim()})),
        }
    }

    fn write_json(&self, kind: &str, fields: Value) {
        let mut line = serde_json::Map::from_iter([
            ("time".to_owned(), json!(format!("{:.3}", Timestamp::now()))),
            ("kind".to_owned(), json!(kind)),
        ]);
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        self.write(&Value::Object(line).to_string());
    }

    /// One write for each line, so that lines of several tasks do not mix. Errors are ignored: the reader may have gone.
    fn write(&self, line: &str) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(format!("{line}\n").as_bytes());
        let _ = out.flush();
    }
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("lines", &self.0.lines).field("format", &self.0.format).finish()
    }
}

/// The time of day in UTC: `08:15:30.123`.
fn clock() -> String {
    Timestamp::now().strftime("%H:%M:%S%.3f").to_string()
}
