//! Tests that a backend cannot run. libtest counts them as passed, so each says so itself.

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{Backend, Need};

/// Ends the test here, as skipped, when the backend lacks something that is named: `needs!(Tables, Queues)`.
#[macro_export]
macro_rules! needs {
    ($($need:ident),+ $(,)?) => {
        if $crate::skipped(&[$($crate::Need::$need),+]) {
            return;
        }
    };
}

/// Whether the backend lacks one of `needs`. If so, a line on standard error says it, with how many it were so far;
/// and one in the file `FARTHING_SKIPS`, if that is set: test, need and reason, with tabs between.
///
/// # Panics
/// When the file cannot be written.
#[must_use]
pub fn skipped(needs: &[Need]) -> bool {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let backend = Backend::current();
    let Some((need, why)) = needs.iter().find_map(|need| Some((need, backend.lacks(*need)?))) else {
        return false;
    };
    // libtest names a test's thread after the test.
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let number = SKIPPED.fetch_add(1, Ordering::SeqCst) + 1;
    // Not eprintln!: libtest keeps what it prints to itself, and this test will "pass".
    let line = format!("SKIPPED {test}: {backend} lacks {need:?}: {why} ({number} skipped so far)\n");
    std::io::stderr().lock().write_all(line.as_bytes()).unwrap();
    if let Ok(file) = env::var("FARTHING_SKIPS") {
        let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(format!("{test}\t{need:?}\t{why}\n").as_bytes()).unwrap();
    }
    true
}
