//! One lane of a shard: batches, one at a time, each brought to its end.

use std::{sync::Arc, time::SystemTime};

use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Item, Stream, pause,
    retries::{Retries, Step},
};
use crate::event_sources::{Batch, payload};

/// Invokes the function with the records of some partition keys.
#[derive(Debug)]
pub(super) struct BatchWorker {
    stream: Arc<Stream>,
    shard: Arc<str>,
    records: mpsc::Receiver<Vec<Item>>,
    buffer: Vec<Item>,
}

impl BatchWorker {
    pub(super) fn new(stream: Arc<Stream>, shard: Arc<str>, records: mpsc::Receiver<Vec<Item>>) -> Self {
        Self { stream, shard, records, buffer: Vec::new() }
    }

    /// Works until there are no more records, or until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => return,
                batch = self.gather() => batch,
            };
            if batch.is_empty() {
                return;
            }
            self.deliver(batch, &stop).await;
        }
    }

    /// The next batch: waits for a first record as long as it takes, and for others until there are as many as a batch
    /// holds, 6 MB, or the window is over. Empty when no more will come.
    async fn gather(&mut self) -> Vec<Item> {
        if self.buffer.is_empty() {
            self.buffer = self.records.recv().await.unwrap_or_default();
        }
        let until = Instant::now() + self.stream.source.window;
        while self.fitting() == self.buffer.len() && self.buffer.len() < self.most() {
            match timeout_at(until, self.records.recv()).await {
                Ok(Some(more)) => self.buffer.extend(more),
                // The shard has ended, or the window is over.
                Ok(None) | Err(_) => break,
            }
        }
        let count = self.fitting();
        self.buffer.drain(..count).collect()
    }

    fn most(&self) -> usize {
        self.stream.source.batch_size as usize
    }

    fn fitting(&self) -> usize {
        payload::leading(self.buffer.iter().map(|item| item.size), self.most())
    }

    /// Brings a batch to its end: done, or given up.
    async fn deliver(&self, items: Vec<Item>, stop: &CancellationToken) {
        let stream = &self.stream;
        let times: Vec<_> = items.iter().map(|item| item.created).collect();
        let mut retries = Retries::new(&stream.source, items);
        while let Some(step) = retries.next(SystemTime::now()) {
            match step {
                Step::GiveUp(given_up) => stream.give_up(&self.shard, &given_up).await,
                Step::Invoke(attempt) => {
                    let delivered = stream.target.deliver(&stream.batch(&attempt.items)).await;
                    let wait = retries.ended(attempt, &delivered);
                    pause(wait, stop).await;
                }
            }
            if stop.is_cancelled() {
                return;
            }
        }
        stream.age.done(times.into_iter());
    }
}

impl Stream {
    fn batch<'a>(&self, items: &'a [Item]) -> Batch<'a> {
        Batch {
            event: json!({"Records": items.iter().map(|item| &item.event).collect::<Vec<_>>()}),
            identifiers: items.iter().map(|item| item.sequence_number.as_str()).collect(),
            reports_failures: self.source.report_batch_item_failures,
        }
    }
}
