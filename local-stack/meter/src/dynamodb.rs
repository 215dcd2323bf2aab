//! Counts what calls to DynamoDB consume.
//!
//! A write is billed by the item's images before and after it, which its answer does not show. The image before comes
//! from a mirror of the last images of items that were written through this proxy, else from a consistent read just
//! before the write is passed on; the image after is in the request, or is read once the answer is on its way to the
//! caller. So the units of a write are known some milliseconds after it, and only `begin` adds to a call's time.
//!
//! Writes are never held back for this. For one item that is written by one caller after another, the images are
//! exact: the next write's read is the last one's image after. Where writes of one item overlap in time, nothing tells
//! which one changed what: an image may be another write's, though not older than the writes under way. Sizes are then
//! right within a change; a change of an index key may be counted at the wrong one of the two, or once for both.
//!
//! An item that is written past the proxy (by another client, or by expiry) leaves an old image in the mirror until
//! its next write.

mod mirror;
mod reads;
mod request;
mod target;
mod writes;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use self::{mirror::Mirror, request::Writes, target::Reader};
use crate::{call::Uncounted, proxy::Upstream, tables::Tables, units::Units};

/// Counts units for one target.
#[derive(Debug)]
pub(crate) struct Meter {
    tables: Tables,
    upstream: Upstream,
    mirror: Mutex<Mirror>,
    /// Transactions that were carried out, by `ClientRequestToken`.
    transactions: Mutex<HashMap<String, Instant>>,
}

/// What a call consumed.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) units: Units,
    pub(crate) resources: Vec<String>,
    pub(crate) uncounted: Option<Uncounted>,
}

/// A call that is about to be passed on.
#[derive(Debug)]
pub(crate) struct Begun {
    operation: String,
    request: Bytes,
    reader: Reader,
    writes: Option<Result<writes::Begun, serde_json::Error>>,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It succeeded, with this answer.
    Done(Value),
    /// A condition did not hold, or a transaction was cancelled for that or for a conflict. This is billed.
    ConditionFailed,
    /// DynamoDB refused it for another reason, which costs nothing.
    Refused,
    /// DynamoDB failed or did not answer: the call may have been carried out or not. Not billed.
    Unknown,
}

/// For so long DynamoDB knows a `ClientRequestToken` again.
const TOKEN_LIFE: Duration = Duration::from_secs(600);
/// When more tokens than this are known, those that are too old are forgotten.
const TOKENS: usize = 4096;

/// The items that a call writes or checks, in order, each as a text; none where the table is not known.
#[must_use]
pub fn written_items(operation: &str, body: &[u8], tables: &Tables) -> Vec<Option<String>> {
    let Some(Ok(writes)) = Writes::read(operation, body, tables) else { return Vec::new() };
    let text = |write: request::Write| Some(target::slot(&write.table, &write.key?));
    writes.writes.into_iter().map(text).collect()
}

impl Meter {
    pub(crate) fn new(tables: Tables, upstream: Upstream) -> Self {
        Self { tables, upstream, mirror: Mutex::default(), transactions: Mutex::default() }
    }

    /// To be called just before a call is passed on; `headers` are those it is passed on with.
    pub(crate) async fn begin(&self, operation: &str, request: Bytes, headers: &HeaderMap) -> Begun {
        let reader = Reader::new(self.upstream.clone(), headers);
        let writes = match Writes::read(operation, &request, &self.tables) {
            Some(Ok(writes)) => Some(Ok(self.begin_writes(writes, &reader).await)),
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        Begun { operation: operation.to_owned(), request, reader, writes }
    }

    /// To be called once the call is answered.
    pub(crate) async fn finish(&self, begun: Begun, outcome: Outcome) -> Counted {
        match begun.writes {
            Some(Ok(writes)) => self.count_writes(writes, &outcome, &begun.reader).await,
            // What is malformed is refused and costs nothing; if it is not refused, it was not understood here.
            Some(Err(_)) => match outcome {
                Outcome::Done(_) => Counted::not(Uncounted::Malformed),
                _ => Counted::default(),
            },
            None => {
                let Ok(request) = serde_json::from_slice::<Value>(&begun.request) else {
                    return Counted::default();
                };
                let mut counted = Counted::default();
                if let Some(table) = request["TableName"].as_str() {
                    counted.resource(crate::tables::plain_name(table));
                }
                let Outcome::Done(answer) = &outcome else { return counted };
                if begun.operation.ends_with("Statement") || begun.operation == "ExecuteTransaction" {
                    return Counted::not(Uncounted::PartiQl);
                }
                let reads = reads::count(&begun.operation, &request, answer, &self.tables, &begun.reader);
                reads.await.unwrap_or(counted)
            }
        }
    }

    /// Whether a transaction of this token was carried out before; from now on, it was.
    fn replays(&self, token: &str) -> bool {
        let mut transactions = self.transactions.lock().unwrap_or_else(PoisonError::into_inner);
        if transactions.len() >= TOKENS {
            transactions.retain(|_, done| done.elapsed() < TOKEN_LIFE);
        }
        match transactions.get(token) {
            Some(done) if done.elapsed() < TOKEN_LIFE => true,
            _ => {
                transactions.insert(token.to_owned(), Instant::now());
                false
            }
        }
    }
}

impl Counted {
    fn not(why: Uncounted) -> Self {
        Self { uncounted: Some(why), ..Self::default() }
    }

    fn resource(&mut self, name: &str) {
        if !self.resources.iter().any(|known| known == name) {
            self.resources.push(name.to_owned());
        }
    }
}

impl Outcome {
    /// Reads the outcome from an answer.
    pub(crate) fn read(status: u16, error_type: Option<&str>, body: &[u8]) -> Self {
        let body = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        match (status, error_type) {
            (200..=299, _) => Self::Done(body()),
            (400..=499, Some("ConditionalCheckFailedException")) => Self::ConditionFailed,
            (400..=499, Some("TransactionCanceledException")) => {
                let reasons = &body()["CancellationReasons"];
                let mut codes = target::objects(reasons).filter_map(|reason| reason.get("Code")?.as_str());
                // Throttled and invalid transactions are turned away before they begin.
                if codes.any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict")) {
                    Self::ConditionFailed
                } else {
                    Self::Refused
                }
            }
            (400..=499, _) => Self::Refused,
            _ => Self::Unknown,
        }
    }
}
