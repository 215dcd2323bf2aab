//! The line of an invocation, for people and for programs.

use anstyle::{AnsiColor, Reset, Style};
use serde_json::{Value, json};

use crate::invocation::CompletedInvocation;

/// The colour of an invocation's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The invocation succeeded.
    Success,
    /// The client sent a bad request, or only a part of a batch failed.
    Warning,
    /// The invocation failed.
    Failure,
}

/// The characters of an id in a text line.
const SHORT_ID: usize = 8;
/// The most correlation ids in a text line.
const MOST_CORRELATIONS: usize = 3;

/// `08:15:30.123 create-order       cold   12 +    5 ms  billed   17 ms   9/256 MB  201 POST /orders  3f2a9c1b  ~8d1e77aa`
pub(super) fn text(
    clock: &str,
    invoked: &CompletedInvocation,
    severity: Severity,
    result: &str,
    colour: bool,
) -> String {
    let usage = &invoked.usage;
    let start = match usage.init {
        Some(init) => format!("cold {:>4} +", init.as_millis()),
        None => "warm       ".to_owned(),
    };
    let memory = match usage.most_memory_mb {
        Some(most) => format!("{most}/{}", usage.memory_mb),
        None => usage.memory_mb.to_string(),
    };
    let severity = match severity {
        Severity::Success => AnsiColor::Green,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Failure => AnsiColor::Red,
    };
    let grey = AnsiColor::BrightBlack.on_default();
    let mut line = format!(
        "{} {:<18} {start}{:>5} ms  billed{:>5} ms {memory:>7} MB  {} {}  {}",
        paint(clock, grey, colour),
        usage.function,
        usage.duration.as_millis(),
        usage.billed_ms(),
        paint(printable(result), severity.on_default(), colour),
        printable(&invoked.source),
        paint(short(&invoked.request_id.to_string()), grey, colour),
    );
    for id in invoked.correlations.iter().take(MOST_CORRELATIONS) {
        line.push_str(&format!(" {}", paint(format!("~{}", printable(short(id))), colour_of(id), colour)));
    }
    if let Some(more) = invoked.correlations.len().checked_sub(MOST_CORRELATIONS).filter(|more| *more > 0) {
        line.push_str(&format!(" ~{more} more"));
    }
    line
}

/// The same as JSON. Times are in milliseconds, memory in MB.
pub(super) fn fields(invoked: &CompletedInvocation, severity: Severity, result: &str) -> Value {
    let usage = &invoked.usage;
    let milliseconds = |time: std::time::Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
    json!({
        "function": usage.function,
        "source": invoked.source,
        "start": if usage.init.is_some() { "cold" } else { "warm" },
        "init_ms": usage.init.map(milliseconds),
        "duration_ms": milliseconds(usage.duration),
        "billed_ms": usage.billed_ms(),
        "memory_mb": usage.memory_mb,
        "most_memory_mb": usage.most_memory_mb,
        "outcome": match severity { Severity::Success => "good", Severity::Warning => "fair", Severity::Failure => "bad" },
        "result": result,
        "request_id": invoked.request_id,
        "correlation_ids": invoked.correlations,
    })
}

/// The same colour for the same id, so that the lines of one order stand out.
fn colour_of(id: &str) -> Style {
    const COLOURS: [AnsiColor; 6] = [
        AnsiColor::Cyan,
        AnsiColor::Magenta,
        AnsiColor::Blue,
        AnsiColor::BrightCyan,
        AnsiColor::BrightMagenta,
        AnsiColor::BrightBlue,
    ];
    let sum = id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    COLOURS[sum % COLOURS.len()].on_default()
}

fn short(id: &str) -> &str {
    id.get(..SHORT_ID).unwrap_or(id)
}

/// A text with its control characters escaped: it stays on its line, and does not move the cursor of a terminal.
pub(super) fn printable(text: &str) -> String {
    let escaped = |c: char| match c {
        '\t' => c.to_string(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

pub(super) fn paint(text: impl std::fmt::Display, style: Style, colour: bool) -> String {
    if colour { format!("{style}{text}{Reset}") } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use uuid::Uuid;

    use super::*;
    use crate::invocation::{Invocation, Outcome, Usage};

    fn invoked(correlations: &[&str]) -> CompletedInvocation {
        let source: Arc<str> = "POST /orders".into();
        let correlations = correlations.iter().map(|id| (*id).to_owned()).collect();
        let mut invocation = Invocation::new(&source, correlations, "{}");
        invocation.request_id = Uuid::nil();
        let usage = Usage {
            function: "create-order".into(),
            memory_mb: 256,
            init: Some(Duration::from_millis(12)),
            duration: Duration::from_micros(4_200),
            most_memory_mb: Some(9),
            ..Usage::default()
        };
        invocation.completed(Outcome::Throttled, usage)
    }

    #[test]
    fn a_line_has_no_colours_where_there_is_no_terminal() {
        let line = text("08:15:30.123", &invoked(&["8d1e77aa-1"]), Severity::Success, "201", false);
        assert_eq!(
            line,
            "08:15:30.123 create-order       cold   12 +    4 ms  billed   17 ms   9/256 MB  201 POST /orders  00000000 ~8d1e77aa"
        );
        assert!(text("", &invoked(&[]), Severity::Failure, "500", true).contains('\u{1b}'));
    }

    #[test]
    fn control_characters_do_not_leave_the_line() {
        let line = text("", &invoked(&["a\rb"]), Severity::Failure, "no\nstock\u{1b}[2J\n", false);
        assert!(line.contains(r"no\nstock\u{1b}[2J\n POST /orders") && line.ends_with(r"~a\rb"), "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
        let fields = fields(&invoked(&[]), Severity::Failure, "no\n");
        assert_eq!(fields["result"], "no\n", "JSON escapes by itself");
    }

    #[test]
    fn many_correlations_are_counted() {
        let line = text("", &invoked(&["a", "b", "c", "d", "e"]), Severity::Success, "5 done", false);
        assert!(line.ends_with("~a ~b ~c ~2 more"), "{line}");
        let ids =
            &fields(&invoked(&["a", "b", "c", "d", "e"]), Severity::Success, "5 done")["correlation_ids"];
        assert_eq!(ids.as_array().map(Vec::len), Some(5));
    }
}
