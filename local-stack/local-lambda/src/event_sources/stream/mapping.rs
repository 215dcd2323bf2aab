//! What the readers of a stream's shards share.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodbstreams::Client;
use embedded_dynamodb::error_chain;
use sam_template::StreamSource;
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::age::IteratorAge;
use crate::event_sources::{Target, filter::Filter};

/// The stream of a table.
#[derive(Clone, Debug)]
pub struct SourceStream {
    /// A client for its endpoint.
    pub client: Client,
    /// Its ARN.
    pub arn: String,
    /// The table's partition key.
    pub partition_key: String,
    /// The on-failure destination.
    pub on_failure: Option<OnFailure>,
}

/// The queue that receives the metadata of discarded records.
#[derive(Clone, Debug)]
pub struct OnFailure {
    /// A client for its endpoint.
    pub client: aws_sdk_sqs::Client,
    /// Its URL.
    pub url: String,
}

/// An event source mapping: its stream, its settings in the template, and its function.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) stream: SourceStream,
    pub(super) source: StreamSource,
    pub(super) filter: Filter,
    pub(super) target: Target,
    pub(super) age: Arc<IteratorAge>,
}

/// A record and the shape that functions receive.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) sequence_number: String,
    pub(super) created: SystemTime,
    pub(super) event: Value,
    /// Bytes of the event as JSON.
    pub(super) size: usize,
}

impl Mapping {
    /// Reports a call to the stream that failed.
    pub(super) fn report_error(&self, action: &str, error: &dyn std::error::Error) {
        self.target.report.note(&format!("cannot {action} {}: {}", self.stream.arn, error_chain(error)));
    }
}

/// Waits for some time, or until `stop`.
pub(super) async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(time) => {}
    }
}
