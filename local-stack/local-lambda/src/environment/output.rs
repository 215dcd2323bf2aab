//! The output of a process: written to the report, counted for the bill, and its end kept for log tails.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::report::Report;

/// The start of the line that the Rust runtime writes when an allocation fails.
const OUT_OF_MEMORY: &str = "memory allocation of ";
/// The log tail of the Invoke API: 4 KB. <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
const TAIL: usize = 4 * 1024;

/// The output of one process.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: AtomicU64,
    lines: AtomicU64,
    out_of_memory: AtomicBool,
    tail: Mutex<String>,
}

impl Output {
    /// Bytes and lines written so far.
    pub(super) fn written(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.lines.load(Ordering::Relaxed))
    }

    /// Whether an allocation of the process has failed.
    pub(super) fn out_of_memory(&self) -> bool {
        self.out_of_memory.load(Ordering::SeqCst)
    }

    /// The last 4 KB since the last call.
    pub(super) fn take_tail(&self) -> String {
        std::mem::take(&mut *self.tail.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads lines until the process closes the pipe.
    pub(super) async fn read(
        self: Arc<Self>,
        output: Option<impl AsyncRead + Unpin>,
        function: Arc<str>,
        report: Report,
    ) {
        let Some(output) = output else { return };
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with(OUT_OF_MEMORY) {
                self.out_of_memory.store(true, Ordering::SeqCst);
            }
            self.record(&line);
            report.log(&function, &line);
        }
    }

    fn record(&self, line: &str) {
        self.bytes.fetch_add(line.len() as u64, Ordering::Relaxed);
        self.lines.fetch_add(1, Ordering::Relaxed);
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.push_str(line);
        tail.push('\n');
        let mut over = tail.len().saturating_sub(TAIL);
        while !tail.is_char_boundary(over) {
            over += 1;
        }
        tail.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_4_kb_and_is_taken_once() {
        let output = Output::default();
        output.record("first");
        output.record(&"é".repeat(TAIL));
        let tail = output.take_tail();
        assert!(tail.len() <= TAIL && tail.len() > TAIL - 4 && tail.ends_with("é\n"), "{}", tail.len());
        assert_eq!(output.take_tail(), "");
        assert_eq!(output.written(), (5 + 2 * TAIL as u64, 2));
    }
}
