//! Lambda's event source mappings, as far as the shop's template needs them: a stream with a filter, queues, and partial
//! batch responses of both. The local stack has the whole of them; this drives functions that `sam local` runs.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodbstreams::{
    Client as Streams,
    types::{Record, ShardIteratorType},
};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use e2e::Client;
use lambda_kit::error::chain;
use local_lambda::{
    event_sources::{filter::Filter, partial_batch, sqs, stream},
    resource_ids::ResourceIds,
};
use sam_template::{EventSource, SqsSource, StreamSource, Template};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

/// How often an idle stream is looked at.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// After a call or an invocation that failed.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Batches of one queue that are under way at once.
const POLLERS: usize = 2;
/// The most records of a batch that may be asked for at once: `sam local` takes events of any size, people do not.
const RECORDS: i32 = 100;

/// Starts what invokes functions. It ends when dropped.
pub(crate) fn start(
    template: &Template,
    resource_ids: &ResourceIds,
    dynamodb: &str,
    queues: &aws_sdk_sqs::Client,
    lambda: &str,
) -> JoinSet<()> {
    let mut sources = JoinSet::new();
    for function in &template.functions {
        for event in &function.events {
            let target = Target { lambda: Client::new(lambda), function: function.logical_id.clone() };
            match event {
                EventSource::Stream(source) => {
                    let client = embedded_dynamodb::streams_client(dynamodb, &resource_ids.account.region);
                    sources.spawn(read_stream(client, source.clone(), resource_ids.clone(), target));
                }
                EventSource::Sqs(source) => {
                    for _ in 0..POLLERS {
                        let poll =
                            poll_queue(queues.clone(), source.clone(), resource_ids.clone(), target.clone());
                        sources.spawn(poll);
                    }
                }
                _ => {}
            }
        }
    }
    sources
}

#[derive(Clone)]
struct Target {
    lambda: Client,
    function: String,
}

impl Target {
    /// Invokes the function; the indexes of the items that failed.
    async fn deliver(&self, records: &[Value], identifiers: &[&str]) -> Vec<usize> {
        let path = format!("/2015-03-31/functions/{}/invocations", self.function);
        let response = self.lambda.post(&path, &json!({"Records": records})).send().await;
        let checked = match &response {
            Ok(response) if response.status == 200 && response.header("x-amz-function-error").is_empty() => {
                partial_batch::failures(identifiers, &response.body)
            }
            other => Err(format!("{other:?}")),
        };
        checked.unwrap_or_else(|why| {
            eprintln!("{}: all {} failed: {why}", self.function, records.len());
            (0..records.len()).collect()
        })
    }
}

/// How far a shard is read.
#[derive(Default)]
struct Position {
    iterator: Option<String>,
    /// The sequence number of the last record.
    after: Option<String>,
    closed: bool,
}

async fn read_stream(client: Streams, source: StreamSource, resource_ids: ResourceIds, target: Target) {
    let filter = Filter::compile(&source.filters).unwrap();
    let arn = resource_ids.streams[&source.table].clone();
    let mut shards: BTreeMap<String, Position> = BTreeMap::new();
    loop {
        if let Ok(response) = client.describe_stream().stream_arn(&arn).send().await {
            let found = response.stream_description.and_then(|stream| stream.shards).unwrap_or_default();
            for id in found.into_iter().filter_map(|shard| shard.shard_id) {
                shards.entry(id).or_default();
            }
        }
        for (id, position) in shards.iter_mut().filter(|(_, position)| !position.closed) {
            match read_shard(&client, &arn, id, position).await {
                Ok(records) => {
                    deliver_records(
                        &records,
                        &source,
                        &filter,
                        (&resource_ids.account.region, &arn),
                        &target,
                    )
                    .await;
                }
                Err(why) => {
                    // DynamoDB Local was seen to call an iterator of an empty shard trimmed; a new one goes on where reading was.
                    position.iterator = None;
                    eprintln!("{}: {why}", target.function);
                    sleep(RETRY_AFTER).await;
                }
            }
        }
        sleep(POLL_EVERY).await;
    }
}

/// The next records of a shard.
async fn read_shard(
    client: &Streams,
    arn: &str,
    id: &str,
    position: &mut Position,
) -> Result<Vec<Record>, String> {
    if position.iterator.is_none() {
        let start = client.get_shard_iterator().stream_arn(arn).shard_id(id);
        let start = match &position.after {
            Some(number) => {
                start.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).sequence_number(number)
            }
            None => start.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        position.iterator = start.send().await.map_err(|error| chain(&error))?.shard_iterator;
    }
    let read = client.get_records().set_shard_iterator(position.iterator.clone()).limit(RECORDS);
    let response = read.send().await.map_err(|error| chain(&error))?;
    position.closed = response.next_shard_iterator.is_none();
    position.iterator = response.next_shard_iterator;
    let records = response.records.unwrap_or_default();
    let last = records.last().and_then(|record| record.dynamodb()?.sequence_number());
    position.after = last.map(str::to_owned).or(position.after.take());
    Ok(records)
}

/// In order, from the first failed record again, as often as the source allows.
async fn deliver_records(
    records: &[Record],
    source: &StreamSource,
    filter: &Filter,
    (region, arn): (&str, &str),
    target: &Target,
) {
    let events = records.iter().map(|record| stream::record::record(record, region, arn));
    let events: Vec<_> = events.filter(|event| filter.passes(event)).collect();
    let mut rest = events.as_slice();
    for _ in 0..=source.maximum_retries.unwrap_or(u32::MAX - 1) {
        if rest.is_empty() {
            return;
        }
        let numbers: Vec<_> = rest
            .iter()
            .map(|event| event["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default())
            .collect();
        match target.deliver(rest, &numbers).await.into_iter().min() {
            None => return,
            Some(first) => rest = &rest[first..],
        }
        sleep(RETRY_AFTER).await;
    }
    eprintln!("{}: gave up {} records", target.function, rest.len());
}

async fn poll_queue(
    client: aws_sdk_sqs::Client,
    source: SqsSource,
    resource_ids: ResourceIds,
    target: Target,
) {
    let url = &resource_ids.queue_urls[&source.queue];
    let arn = resource_ids.queue_arn(&source.queue).unwrap_or_default();
    loop {
        let receive = client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let messages: Vec<Message> = match receive.send().await {
            Ok(response) => response.messages.unwrap_or_default(),
            Err(error) => {
                eprintln!("{}: {}", target.function, chain(&error));
                sleep(RETRY_AFTER).await;
                continue;
            }
        };
        if messages.is_empty() {
            continue;
        }
        let records: Vec<_> = messages
            .iter()
            .map(|message| sqs::record::record(message, &arn, &resource_ids.account.region))
            .collect();
        let ids: Vec<_> = messages.iter().map(|message| message.message_id().unwrap_or_default()).collect();
        let failed = target.deliver(&records, &ids).await;
        // What failed comes again after its visibility timeout.
        let done = messages.iter().enumerate().filter(|(index, _)| !failed.contains(index));
        for (_, message) in done {
            let delete = client.delete_message().queue_url(url);
            if let Err(error) = delete.set_receipt_handle(message.receipt_handle.clone()).send().await {
                eprintln!("{}: a message comes again: {error}", target.function);
            }
        }
    }
}
