//! Creates and updates the tables that a template declares.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    operation::{create_table::CreateTableError, describe_table::DescribeTableError},
    types::{
        AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
        GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, LocalSecondaryIndex,
        Projection as SdkProjection, ProjectionType, ScalarAttributeType, StreamSpecification,
        StreamViewType, TableDescription, TableStatus, TimeToLiveSpecification,
    },
};
use sam_template::{AttributeType, Index, Key, Projection, StreamView, Table, Template};
use tokio::time::{Instant, sleep};

use crate::error::Error;

/// A local table is active at once; one on AWS takes seconds.
const ACTIVE_WITHIN: Duration = Duration::from_secs(60);

/// Creates the template's tables on the client's endpoint, adds missing indexes and streams, and waits until each table
/// is active. It changes no data. Returns the names of the tables by their logical ids.
///
/// # Errors
/// If a call fails, or a table exists with another primary key.
pub async fn ensure_tables(client: &Client, template: &Template) -> Result<BTreeMap<String, String>, Error> {
    let mut names = BTreeMap::new();
    for table in &template.tables {
        match describe(client, &table.name).await? {
            None => create(client, table).await?,
            Some(found) => update(client, table, &found).await?,
        }
        names.insert(table.logical_id.clone(), table.name.clone());
    }
    Ok(names)
}

/// The ARN of each table's stream, by the table's logical id.
///
/// # Errors
/// If a call fails.
pub async fn stream_arns(client: &Client, template: &Template) -> Result<BTreeMap<String, String>, Error> {
    let mut arns = BTreeMap::new();
    for table in template.tables.iter().filter(|table| table.stream.is_some()) {
        let found = describe(client, &table.name).await?;
        if let Some(arn) = found.and_then(|table| table.latest_stream_arn) {
            arns.insert(table.logical_id.clone(), arn);
        }
    }
    Ok(arns)
}

async fn describe(client: &Client, name: &str) -> Result<Option<TableDescription>, Error> {
    match client.describe_table().table_name(name).send().await {
        Ok(response) => Ok(response.table),
        Err(error)
            if error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::call(&format!("describe the table {name}"), &error)),
    }
}

async fn create(client: &Client, table: &Table) -> Result<(), Error> {
    let action = format!("create the table {}", table.name);
    let mut request = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes(table)?))
        .set_key_schema(Some(key_schema(&table.key)?));
    for index in &table.global_indexes {
        let index = GlobalSecondaryIndex::builder()
            .index_name(&index.name)
            .set_key_schema(Some(key_schema(&index.key)?))
            .projection(projection(index))
            .build();
        request = request.global_secondary_indexes(index?);
    }
    for index in &table.local_indexes {
        let index = LocalSecondaryIndex::builder()
            .index_name(&index.name)
            .set_key_schema(Some(key_schema(&index.key)?))
            .projection(projection(index))
            .build();
        request = request.local_secondary_indexes(index?);
    }
    if let Some(view) = table.stream {
        request = request.stream_specification(stream(view)?);
    }
    match request.send().await {
        Ok(_) => {}
        // Another process has just created it, or an attempt whose response was lost.
        Err(error)
            if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => {}
        Err(error) => return Err(Error::call(&action, &error)),
    }
    active(client, &table.name).await?;
    if let Some(attribute) = &table.ttl_attribute {
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
        let request = client.update_time_to_live().table_name(&table.name);
        let request = request.time_to_live_specification(ttl?);
        request.send().await.map_err(|error| Error::call(&action, &error))?;
    }
    Ok(())
}

/// Adds missing indexes and the stream, one change at a time as DynamoDB requires.
async fn update(client: &Client, table: &Table, found: &TableDescription) -> Result<(), Error> {
    if found.key_schema() != key_schema(&table.key)? {
        return Err(Error::OtherKey(table.name.clone()));
    }
    let action = format!("update the table {}", table.name);
    let known: Vec<_> =
        found.global_secondary_indexes().iter().filter_map(|index| index.index_name()).collect();
    for index in table.global_indexes.iter().filter(|index| !known.contains(&index.name.as_str())) {
        let create = CreateGlobalSecondaryIndexAction::builder()
            .index_name(&index.name)
            .set_key_schema(Some(key_schema(&index.key)?))
            .projection(projection(index))
            .build()?;
        let request = client
            .update_table()
            .table_name(&table.name)
            .set_attribute_definitions(Some(attributes(table)?))
            .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(create).build());
        request.send().await.map_err(|error| Error::call(&action, &error))?;
        active(client, &table.name).await?;
    }
    let streams = found.stream_specification().is_some_and(StreamSpecification::stream_enabled);
    if let (Some(view), false) = (table.stream, streams) {
        let request = client.update_table().table_name(&table.name).stream_specification(stream(view)?);
        request.send().await.map_err(|error| Error::call(&action, &error))?;
    }
    active(client, &table.name).await
}

/// Waits until the table and its indexes are active.
async fn active(client: &Client, name: &str) -> Result<(), Error> {
    let deadline = Instant::now() + ACTIVE_WITHIN;
    loop {
        let found = describe(client, name).await?;
        let ready = found.as_ref().is_some_and(|table| {
            let index_ready = |index: &aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription| {
                index.index_status().is_none_or(|status| status.as_str() == "ACTIVE")
            };
            table.table_status() == Some(&TableStatus::Active)
                && table.global_secondary_indexes().iter().all(index_ready)
        });
        if ready {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let cause = format!("it is not active after {} s", ACTIVE_WITHIN.as_secs());
            return Err(Error::Call { action: format!("make the table {name}"), cause });
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn attributes(table: &Table) -> Result<Vec<AttributeDefinition>, Error> {
    let define = |attribute: &sam_template::Attribute| {
        let kind = match attribute.kind {
            AttributeType::String => ScalarAttributeType::S,
            AttributeType::Number => ScalarAttributeType::N,
            AttributeType::Binary => ScalarAttributeType::B,
        };
        let definition = AttributeDefinition::builder().attribute_name(&attribute.name).attribute_type(kind);
        Ok(definition.build()?)
    };
    table.attributes.iter().map(define).collect()
}

fn key_schema(key: &Key) -> Result<Vec<KeySchemaElement>, Error> {
    let element = |name: &String, kind: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
    };
    let mut schema = vec![element(&key.partition, KeyType::Hash)?];
    if let Some(sort) = &key.sort {
        schema.push(element(sort, KeyType::Range)?);
    }
    Ok(schema)
}

fn projection(index: &Index) -> SdkProjection {
    let projection = SdkProjection::builder();
    match &index.projection {
        Projection::All => projection.projection_type(ProjectionType::All),
        Projection::KeysOnly => projection.projection_type(ProjectionType::KeysOnly),
        Projection::Include(attributes) => projection
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(attributes.clone())),
    }
    .build()
}

fn stream(view: StreamView) -> Result<StreamSpecification, Error> {
    let view = match view {
        StreamView::KeysOnly => StreamViewType::KeysOnly,
        StreamView::NewImage => StreamViewType::NewImage,
        StreamView::OldImage => StreamViewType::OldImage,
        StreamView::NewAndOldImages => StreamViewType::NewAndOldImages,
    };
    let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view);
    Ok(stream.build()?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use futures_util::future::join_all;
    use sam_template::Settings;

    use super::*;
    use crate::Embedded;

    /// A server without tables, its client, and the template that declares its tables.
    async fn server() -> (Embedded, Client, Template) {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        let parameters = [("OrderIdSecret".to_owned(), "unused".repeat(6))].into();
        let settings = Settings { parameters, ..Settings::default() };
        let template = Template::load(&template, &settings).unwrap();
        let server = Embedded::start(0, "us-east-1", None).await.unwrap();
        let client = crate::client(&server.endpoint(), "us-east-1", "local");
        (server, client, template)
    }

    #[tokio::test]
    async fn tables_that_others_create_at_the_same_time_are_no_error() {
        let (server, client, template) = server().await;
        let all = join_all((0..8).map(|_| ensure_tables(&client, &template))).await;
        for names in &all {
            assert_eq!(names.as_ref().unwrap().len(), template.tables.len());
        }
        server.stop().await;
    }
}
