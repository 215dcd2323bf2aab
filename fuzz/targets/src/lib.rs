//! What the fuzzer runs: each parser of bytes from outside, and what must hold of what it reads.
//!
//! A target takes any bytes and panics when a promise is broken. `cargo fuzz` drives them by the binaries in
//! `fuzz/fuzz_targets/`; `tests/corpus.rs` replays what the fuzzer kept, in every `cargo test`.

mod http;
mod payments_provider;
mod records;
mod stack;
mod stored;
mod template;

/// A parser under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its binary and of its folder in `fuzz/corpus/`.
    pub name: &'static str,
    /// Reads the bytes.
    pub run: fn(&[u8]),
    /// Files and folders of the repository that it reads, too.
    pub fixtures: &'static [&'static str],
}

/// All of them.
pub const TARGETS: [Target; 13] = [
    Target { name: "http_event", run: http::event, fixtures: &["events"] },
    Target { name: "order_body", run: http::order_body, fixtures: &[] },
    Target { name: "cursor", run: http::cursor, fixtures: &[] },
    Target { name: "sqs_batch", run: records::sqs_batch, fixtures: &["events"] },
    Target { name: "stream_batch", run: records::stream_batch, fixtures: &["events"] },
    Target { name: "order_item", run: stored::order_item, fixtures: &[] },
    Target { name: "provider_reply", run: payments_provider::reply, fixtures: &[] },
    Target { name: "template", run: template::template, fixtures: &["template.yaml"] },
    Target { name: "schedule", run: template::schedule, fixtures: &[] },
    Target { name: "filter", run: stack::filter, fixtures: &[] },
    Target { name: "batch_answer", run: stack::batch_answer, fixtures: &[] },
    Target { name: "fault_plan", run: stack::fault_plan, fixtures: &[] },
    Target { name: "aws_call", run: stack::aws_call, fixtures: &[] },
];

/// Runs the target of this name.
///
/// # Panics
/// When there is none, or when the bytes break a promise.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("no target is called {name}")).run)(bytes);
}

/// Two parts, split at the first line break; none if there is no second.
fn lines(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..at], &bytes[at + 1..]))
}
