//! Stream records.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TimeToLiveSpecification},
};
use aws_sdk_dynamodbstreams::{
    Client as Streams,
    types::{Record, ShardIteratorType},
};
use lambda_kit::error::chain;

use crate::{
    REGION, aws,
    dynamodb::{table, text},
};

/// How long records may be on their way.
const THERE_WITHIN: Duration = Duration::from_secs(60);

/// A table, its stream, and clients for both.
struct Place {
    client: Client,
    streams: Streams,
    table: String,
    arn: String,
}

impl Place {
    async fn new(url: &str) -> Self {
        let (client, streams) = (aws(url).dynamodb(), embedded_dynamodb::streams_client(url, REGION));
        let table = table(&client).await;
        let found = client.describe_table().table_name(&table).send().await.unwrap().table.unwrap();
        Self { client, streams, table, arn: found.latest_stream_arn.unwrap() }
    }

    async fn set(&self, id: &str, n: i64) {
        let put = self.client.put_item().table_name(&self.table).item("id", text(id));
        put.item("n", AttributeValue::N(n.to_string())).send().await.unwrap();
    }

    async fn delete(&self, id: &str) {
        self.client.delete_item().table_name(&self.table).key("id", text(id)).send().await.unwrap();
    }

    /// An iterator for each shard, from its beginning.
    async fn iterators(&self) -> Vec<String> {
        let response = self.streams.describe_stream().stream_arn(&self.arn).send().await.unwrap();
        let mut iterators = Vec::new();
        for shard in response.stream_description.unwrap().shards.unwrap_or_default() {
            let start = self.streams.get_shard_iterator().stream_arn(&self.arn);
            let start =
                start.shard_id(shard.shard_id.unwrap()).shard_iterator_type(ShardIteratorType::TrimHorizon);
            iterators.extend(start.send().await.unwrap().shard_iterator);
        }
        iterators
    }

    /// Reads on from an iterator until there is nothing more just now.
    async fn read(&self, iterator: String) -> Result<Vec<Record>, String> {
        let mut records = Vec::new();
        let mut next = Some(iterator);
        while let Some(iterator) = next {
            let response = self.streams.get_records().shard_iterator(iterator).send().await;
            let response = response.map_err(|error| chain(&error))?;
            let page = response.records.unwrap_or_default();
            next = response.next_shard_iterator.filter(|_| !page.is_empty());
            records.extend(page);
        }
        Ok(records)
    }

    /// All records, once there is one of the item `end`, which is left out.
    async fn records(&self) -> Vec<Record> {
        self.set("end", 0).await;
        let records = e2e::eventually(THERE_WITHIN, || async {
            let mut records = Vec::new();
            for iterator in self.iterators().await {
                records.extend(self.read(iterator).await?);
            }
            if records.iter().any(|record| of(record) == "end") { Ok(records) } else { Err(String::new()) }
        })
        .await;
        records.into_iter().filter(|record| of(record) != "end").collect()
    }
}

fn of(record: &Record) -> &str {
    match record.dynamodb().and_then(|change| change.keys()).and_then(|keys| keys.get("id")) {
        Some(aws_sdk_dynamodbstreams::types::AttributeValue::S(id)) => id,
        _ => "",
    }
}

fn name(record: &Record) -> &str {
    record.event_name().map_or("no name", aws_sdk_dynamodbstreams::types::OperationType::as_str)
}

pub(crate) async fn names(url: String) -> String {
    let place = Place::new(&url).await;
    place.set("a", 1).await;
    place.set("a", 2).await;
    place.delete("a").await;
    place.records().await.iter().map(name).collect::<Vec<_>>().join(", ")
}

pub(crate) async fn images(url: String) -> String {
    let place = Place::new(&url).await;
    place.set("a", 1).await;
    place.set("a", 2).await;
    let records = place.records().await;
    let change = records.iter().find(|record| name(record) == "MODIFY").and_then(|record| record.dynamodb());
    let has = |image: Option<&std::collections::HashMap<_, _>>| image.is_some_and(|image| image.len() == 2);
    match change.map(|change| (has(change.old_image()), has(change.new_image()))) {
        Some((true, true)) => "old and new".to_owned(),
        other => format!("{other:?}"),
    }
}

pub(crate) async fn unchanged(url: String) -> String {
    let place = Place::new(&url).await;
    place.set("a", 1).await;
    place.set("a", 1).await;
    let update = place.client.update_item().table_name(&place.table).key("id", text("a"));
    let update = update.update_expression("SET n = :one");
    update.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
    match place.records().await.len() - 1 {
        0 => "none".to_owned(),
        count => format!("{count} of 2"),
    }
}

pub(crate) async fn order(url: String) -> String {
    let place = Place::new(&url).await;
    for n in 0..200 {
        place.set("a", n).await;
    }
    let numbers: Vec<i64> = place
        .records()
        .await
        .iter()
        .filter_map(|record| record.dynamodb()?.new_image()?.get("n")?.as_n().ok()?.parse().ok())
        .collect();
    if numbers == (0..200).collect::<Vec<_>>() {
        "yes".to_owned()
    } else {
        format!("no: {} came", numbers.len())
    }
}

pub(crate) async fn empty_shard(url: String) -> String {
    let place = Place::new(&url).await;
    let iterators = place.iterators().await;
    if iterators.is_empty() {
        return "there is no shard yet".to_owned();
    }
    // Read once while it is empty, as a poller does.
    let mut next = Vec::new();
    for iterator in iterators {
        match place.streams.get_records().shard_iterator(iterator).send().await {
            Ok(response) => next.extend(response.next_shard_iterator),
            Err(error) => return code(&chain(&error)),
        }
    }
    place.set("a", 1).await;
    place.records().await;
    let mut count = 0;
    for iterator in next {
        match place.read(iterator).await {
            Ok(records) => count += records.iter().filter(|record| of(record) == "a").count(),
            Err(why) => return code(&why),
        }
    }
    if count == 1 { "reads it".to_owned() } else { format!("reads {count}") }
}

fn code(error: &str) -> String {
    let mut words = error.split(|letter: char| !letter.is_alphanumeric());
    words.rfind(|word| word.ends_with("Exception")).unwrap_or("an error").to_owned()
}

pub(crate) async fn ttl(url: String) -> String {
    let place = Place::new(&url).await;
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name("n").build().unwrap();
    place
        .client
        .update_time_to_live()
        .table_name(&place.table)
        .time_to_live_specification(ttl)
        .send()
        .await
        .unwrap();
    // A moment ago: items that ended more than five years ago are left alone.
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    place.set("a", i64::try_from(now.as_secs()).unwrap() - 60).await;
    for _ in 0..20 {
        if place.records().await.iter().any(|record| name(record) == "REMOVE") {
            return "within seconds".to_owned();
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    "not within 5 s".to_owned()
}
