//! Meters the request units of API calls to DynamoDB.
//!
//! DynamoDB bills a write by the larger of the item's images before and after it, and its response shows neither. The
//! image before comes from a cache of the last images of items that were written through this proxy, or else from a
//! consistent read just before the write is forwarded. The image after is in the request, or is read after the caller
//! has its response. So the units of a write are known some milliseconds after it, and only [`DynamoDbMeter::begin`] adds
//! to the latency of a call.
//!
//! Writes never wait for each other. If the writes of one item follow each other in time, the images are exact: what the
//! next write reads is the image after the previous one. If writes of one item overlap, an image may be that of another
//! write in flight. The size is then off by at most one change, and a change of an index key may be metered at the other
//! of the two writes, or at both.
//!
//! A write that bypasses the proxy (by another client, or by time to live) leaves an old image in the cache until the
//! item's next write.

mod consumption;
mod image_cache;
mod item_key;
mod outcome;
mod reader;
mod reads;
mod request;
mod writes;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

pub(crate) use self::{consumption::Consumption, outcome::Outcome};
use self::{
    reader::Reader,
    request::{Write, Writes},
    writes::{PendingWrites, WriteMeter},
};
use crate::{
    call::MeteringGap,
    tables::{Tables, plain_name},
    upstream::UpstreamClient,
};

/// Meters the calls to one upstream.
#[derive(Debug)]
pub(crate) struct DynamoDbMeter {
    tables: Tables,
    upstream: UpstreamClient,
    writes: WriteMeter,
}

/// A call that is about to be forwarded.
#[derive(Debug)]
pub(crate) struct PendingCall {
    operation: String,
    request: Bytes,
    reader: Reader,
    writes: Option<Result<PendingWrites, serde_json::Error>>,
}

/// The items that a request writes or checks, in order, each as a text; none where the table is not known.
#[must_use]
pub fn written_items(operation: &str, body: &[u8], tables: &Tables) -> Vec<Option<String>> {
    let Some(Ok(request)) = Writes::read(operation, body, tables) else { return Vec::new() };
    let id = |write: &Write| Some(write.item_key()?.id());
    request.writes.iter().map(id).collect()
}

impl DynamoDbMeter {
    pub(crate) fn new(tables: Tables, upstream: UpstreamClient) -> Self {
        Self { writes: WriteMeter::new(tables.clone()), tables, upstream }
    }

    /// Must be called just before a request is forwarded; `headers` are those of the forwarded request.
    pub(crate) async fn begin(&self, operation: &str, request: Bytes, headers: &HeaderMap) -> PendingCall {
        let reader = Reader::new(self.upstream.clone(), self.tables.clone(), headers);
        let writes = match Writes::read(operation, &request, &self.tables) {
            Some(Ok(writes)) => Some(Ok(self.writes.begin(writes, &reader).await)),
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        PendingCall { operation: operation.to_owned(), request, reader, writes }
    }

    /// Must be called once the outcome of the call is known.
    pub(crate) async fn finish(&self, call: PendingCall, outcome: Outcome) -> Consumption {
        match call.writes {
            Some(Ok(writes)) => self.writes.finish(writes, &outcome, &call.reader).await,
            // DynamoDB rejects a malformed request without billing it. One that it accepts was not understood here.
            Some(Err(_)) => match outcome {
                Outcome::Succeeded(_) => Consumption::gap(MeteringGap::Malformed),
                _ => Consumption::default(),
            },
            None => {
                let Ok(request) = serde_json::from_slice::<Value>(&call.request) else {
                    return Consumption::default();
                };
                let mut nothing = Consumption::default();
                if let Some(table) = request["TableName"].as_str() {
                    nothing.add_table(plain_name(table));
                }
                let Outcome::Succeeded(response) = &outcome else { return nothing };
                if call.operation.ends_with("Statement") || call.operation == "ExecuteTransaction" {
                    return Consumption::gap(MeteringGap::PartiQl);
                }
                let reads = reads::meter(&call.operation, &request, response, &call.reader);
                reads.await.unwrap_or(nothing)
            }
        }
    }
}
