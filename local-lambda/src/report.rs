//! What the stack tells whoever watches: a line for each invocation, and what functions log.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
    time::SystemTime,
};

use anstyle::{AnsiColor, Reset, Style};
use serde_json::Value;
use shared::Timestamp;

use crate::invocation::Invoked;

/// Where lines go, and which.
#[derive(Clone, Debug)]
pub struct Report(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    colour: bool,
    lines: Lines,
}

/// Which lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Only what functions log as warnings and errors.
    Quiet,
    /// A line for each invocation as well.
    Invocations,
    /// And everything that functions log.
    All,
}

/// How an invocation went, for its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As hoped.
    Good,
    /// The caller's fault, or only a part failed.
    Fair,
    /// Failed.
    Bad,
}

impl Report {
    /// A report on standard output, coloured if that is a terminal and `NO_COLOR` is not set.
    #[must_use]
    pub fn new(lines: Lines) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self(Arc::new(Inner { colour, lines }))
    }

    /// Writes the line of an invocation: time, function, cold or warm, duration, what came of it, request id.
    pub fn invocation(&self, invoked: &Invoked, tone: Tone, result: &str) {
        if self.0.lines == Lines::Quiet {
            return;
        }
        let colour = match tone {
            Tone::Good => AnsiColor::Green,
            Tone::Fair => AnsiColor::Yellow,
            Tone::Bad => AnsiColor::Red,
        };
        let start = match invoked.init {
            Some(init) => format!("cold {:>4} +", init.as_millis()),
            None => "warm       ".to_owned(),
        };
        let request_id = invoked.request_id.to_string();
        self.write(&format!(
            "{} {:<18} {start}{:>5} ms  {} {}\n",
            self.paint(clock(), AnsiColor::BrightBlack.on_default()),
            invoked.function,
            invoked.duration.as_millis(),
            self.paint(result, colour.on_default()),
            self.paint(&request_id[..8], AnsiColor::BrightBlack.on_default()),
        ));
    }

    /// Passes on a line that a function wrote: warnings, errors and whatever is not a log line (a panic); the rest only
    /// if everything is wanted.
    pub fn log(&self, function: &str, line: &str) {
        let level = serde_json::from_str::<Value>(line)
            .ok()
            .and_then(|line| Some(line["level"].as_str()?.to_owned()));
        let matters = level.as_deref().is_none_or(|level| matches!(level, "WARN" | "ERROR"));
        if matters || self.0.lines == Lines::All {
            let line = self.paint(line, AnsiColor::BrightBlack.on_default());
            self.write(&format!("{:<12} {function:<18} {line}\n", ""));
        }
    }

    /// Writes a line about the stack itself.
    pub fn note(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    fn paint(&self, text: impl std::fmt::Display, style: Style) -> String {
        if self.0.colour { format!("{style}{text}{Reset}") } else { text.to_string() }
    }

    /// One write for a line, so that lines of several tasks do not mix. A reader that has gone is no reason to stop.
    fn write(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }
}

/// The time of day in UTC: `08:15:30.123`.
fn clock() -> String {
    let now = Timestamp::at(SystemTime::now());
    now.as_str().get(11..23).unwrap_or_default().to_owned()
}
