//! The ledger in a file: a line for each change of a payment intent and each response under an idempotency key, so that
//! a simulator that is restarted continues from the same state.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ledger::PaymentIntent;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A payment intent after a change.
    Intent(PaymentIntent),
    /// The response to a request under an idempotency key.
    Answer {
        /// The key.
        key: String,
        /// The request.
        request: String,
        /// The HTTP status of the response.
        status: u16,
        /// The body of the response.
        body: Value,
    },
    /// The keys of the responses before it are forgotten.
    KeysForgotten,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Journal(File);

impl Journal {
    /// Opens or creates the file, and reads its entries. A line that a crash has cut off is skipped.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<Entry>)> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut entries = Vec::new();
        let mut cut_off = false;
        for line in BufReader::new(&file).lines() {
            match serde_json::from_str(&line?) {
                Ok(entry) => entries.push(entry),
                Err(_) => cut_off = true,
            }
        }
        if cut_off {
            file.write_all(b"\n")?;
        }
        Ok((Self(file), entries))
    }

    pub(crate) fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}
