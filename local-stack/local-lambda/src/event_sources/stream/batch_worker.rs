//! Processes the batches of some partition keys of a shard, one at a time.

use std::{sync::Arc, time::SystemTime};

use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    mapping::{Item, Mapping, pause},
    retries::{Retries, Step},
};
use crate::event_sources::{Batch, payload};

/// Invokes the function with the records of some partition keys.
#[derive(Debug)]
pub(super) struct BatchWorker {
    mapping: Arc<Mapping>,
    shard: Arc<str>,
    records: mpsc::Receiver<Vec<Item>>,
    buffer: Vec<Item>,
}

impl BatchWorker {
    pub(super) fn new(mapping: Arc<Mapping>, shard: Arc<str>, records: mpsc::Receiver<Vec<Item>>) -> Self {
        Self { mapping, shard, records, buffer: Vec::new() }
    }

    /// Runs until there are no more records, or until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => return,
                batch = self.gather() => batch,
            };
            if batch.is_empty() {
                return;
            }
            self.process(batch, &stop).await;
        }
    }

    /// The next batch. Waits for a first record without a limit, and then until the batch size, 6 MB or the end of the
    /// batch window is reached. Empty when there are no more records.
    async fn gather(&mut self) -> Vec<Item> {
        if self.buffer.is_empty() {
            self.buffer = self.records.recv().await.unwrap_or_default();
        }
        let until = Instant::now() + self.mapping.source.window;
        while self.fitting() == self.buffer.len() && self.buffer.len() < self.batch_size() {
            match timeout_at(until, self.records.recv()).await {
                Ok(Some(more)) => self.buffer.extend(more),
                // The shard has ended, or the window is over.
                Ok(None) | Err(_) => break,
            }
        }
        let count = self.fitting();
        self.buffer.drain(..count).collect()
    }

    fn batch_size(&self) -> usize {
        self.mapping.source.batch_size as usize
    }

    fn fitting(&self) -> usize {
        payload::batch_length(self.buffer.iter().map(|item| item.size), self.batch_size())
    }

    /// Invokes the function with a batch until all of it is processed or discarded.
    async fn process(&self, items: Vec<Item>, stop: &CancellationToken) {
        let mapping = &self.mapping;
        let times: Vec<_> = items.iter().map(|item| item.created).collect();
        let mut retries = Retries::new(&mapping.source, items);
        while let Some(step) = retries.next(SystemTime::now()) {
            match step {
                Step::Discard(records) => mapping.report_discarded(&self.shard, &records).await,
                Step::Invoke(attempt) => {
                    let result = mapping.target.invoke(&mapping.batch(&attempt.items)).await;
                    let wait = retries.ended(attempt, &result);
                    pause(wait, stop).await;
                }
            }
            if stop.is_cancelled() {
                return;
            }
        }
        mapping.age.done(times.into_iter());
    }
}

impl Mapping {
    fn batch<'a>(&self, items: &'a [Item]) -> Batch<'a> {
        Batch {
            event: json!({"Records": items.iter().map(|item| &item.event).collect::<Vec<_>>()}),
            identifiers: items.iter().map(|item| item.sequence_number.as_str()).collect(),
            reports_failures: self.source.report_batch_item_failures,
        }
    }
}
