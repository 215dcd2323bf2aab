//! The ledger in a file: a line for each payment intent that changed and each answer that was given under a key, so
//! that a provider that is started again knows what it did.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ledger::Intent;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A payment intent as it stands since then.
    Intent(Intent),
    /// What a request under an idempotency key was answered.
    Answer {
        /// The key.
        key: String,
        /// What was asked.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Value,
    },
}

/// The file.
#[derive(Debug)]
pub(crate) struct Journal(File);

impl Journal {
    /// Opens or makes the file, and reads what it holds. A line that was cut off by a crash is left out.
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
