//! Transactions and capacity.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, CancellationReason, KeySchemaElement, KeyType,
        KeysAndAttributes, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
        ScalarAttributeType, StreamSpecification, StreamViewType, TransactWriteItem, Update,
    },
};
use futures_util::future::join_all;

use crate::{aws, fresh};

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A table with the key `id`; with a stream of both images.
pub(crate) async fn table(client: &Client) -> String {
    let name = fresh("parity");
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let stream = StreamSpecification::builder().stream_enabled(true);
    let stream = stream.stream_view_type(StreamViewType::NewAndOldImages).build().unwrap();
    let create = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    let create = create.key_schema(key).attribute_definitions(id.build().unwrap());
    create.stream_specification(stream).send().await.unwrap();
    e2e::eventually(std::time::Duration::from_secs(20), || async {
        let found = client.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
        let status = found.table_status.unwrap();
        if status.as_str() == "ACTIVE" { Ok(()) } else { Err(status) }
    })
    .await;
    name
}

fn put(table: &str, id: &str) -> Put {
    Put::builder().table_name(table).item("id", text(id)).item("n", number(1)).build().unwrap()
}

fn plain(put: Put) -> TransactWriteItem {
    TransactWriteItem::builder().put(put).build()
}

/// A put that only a new item passes, asked to return the one that is there.
fn only_new(table: &str, id: &str) -> TransactWriteItem {
    let put = Put::builder().table_name(table).item("id", text(id)).item("n", number(2));
    let put = put.condition_expression("attribute_not_exists(id)");
    let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    plain(put.build().unwrap())
}

fn reasons_of<R>(error: &SdkError<TransactWriteItemsError, R>) -> Vec<CancellationReason> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().to_vec()
        }
        _ => Vec::new(),
    }
}

/// Two items are put, the second of which is there.
async fn cancelled(url: &str) -> Vec<CancellationReason> {
    let client = aws(url).dynamodb();
    let table = table(&client).await;
    client.put_item().table_name(&table).set_item(Some(put(&table, "old").item)).send().await.unwrap();
    let writes = [plain(put(&table, "new")), only_new(&table, "old")];
    let response = client.transact_write_items().set_transact_items(Some(writes.to_vec())).send().await;
    reasons_of(&response.unwrap_err())
}

pub(crate) async fn reasons(url: String) -> String {
    let reasons = cancelled(&url).await;
    reasons.iter().map(|reason| reason.code().unwrap_or("no code")).collect::<Vec<_>>().join(", ")
}

pub(crate) async fn all_old(url: String) -> String {
    let reasons = cancelled(&url).await;
    let item = reasons.get(1).and_then(|reason| reason.item.clone());
    let old = item.is_some_and(|item| item.get("n") == Some(&number(1)));
    if old { "yes" } else { "no" }.to_owned()
}

fn add_one(table: &str, id: &str) -> TransactWriteItem {
    let update = Update::builder().table_name(table).key("id", text(id)).update_expression("ADD n :one");
    let update = update.expression_attribute_values(":one", number(1)).build().unwrap();
    TransactWriteItem::builder().update(update).build()
}

async fn read(client: &Client, table: &str, id: &str) -> String {
    let get = client.get_item().table_name(table).key("id", text(id)).consistent_read(true);
    get.send().await.unwrap().item.unwrap()["n"].as_n().unwrap().clone()
}

pub(crate) async fn token(url: String) -> String {
    let client = aws(&url).dynamodb();
    let table = table(&client).await;
    let token = fresh("token");
    for _ in 0..2 {
        let write = client.transact_write_items().client_request_token(&token);
        write.transact_items(add_one(&table, "a")).send().await.unwrap();
    }
    match read(&client, &table, "a").await.as_str() {
        "1" => "done once".to_owned(),
        other => format!("done {other} times"),
    }
}

pub(crate) async fn conflict(url: String) -> String {
    let client = aws(&url).dynamodb();
    let table = table(&client).await;
    let writes = (0..64).map(|_| client.transact_write_items().transact_items(add_one(&table, "a")).send());
    let responses = join_all(writes).await;
    let failed = responses.iter().filter_map(|response| response.as_ref().err());
    assert!(
        failed.clone().all(|error| error.as_service_error().is_some()),
        "a write without an answer may be done or not"
    );
    let codes = failed.flat_map(reasons_of);
    let raised = codes.filter(|reason| reason.code() == Some("TransactionConflict")).count();
    let done = responses.iter().filter(|response| response.is_ok()).count();
    let counted = read(&client, &table, "a").await;
    match (raised, counted == done.to_string()) {
        (0, true) => "never raised".to_owned(),
        (_, true) => "raised".to_owned(),
        (_, false) => "updates are lost".to_owned(),
    }
}

pub(crate) async fn write_units(url: String) -> String {
    let client = aws(&url).dynamodb();
    let table = table(&client).await;
    let writes = [plain(put(&table, "a")), plain(put(&table, "b"))];
    let write = client.transact_write_items().set_transact_items(Some(writes.to_vec()));
    let response = write.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
    units(response.consumed_capacity())
}

pub(crate) async fn read_units(url: String) -> String {
    let client = aws(&url).dynamodb();
    let table = table(&client).await;
    client.put_item().table_name(&table).set_item(Some(put(&table, "a").item)).send().await.unwrap();
    let keys = ["a", "missing"].map(|id| [("id".to_owned(), text(id))].into());
    let keys = KeysAndAttributes::builder().set_keys(Some(keys.to_vec())).consistent_read(true);
    let get = client.batch_get_item().request_items(&table, keys.build().unwrap());
    let response = get.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
    units(response.consumed_capacity())
}

fn units(reported: &[aws_sdk_dynamodb::types::ConsumedCapacity]) -> String {
    if reported.is_empty() {
        return "none reported".to_owned();
    }
    reported.iter().filter_map(|table| table.capacity_units).sum::<f64>().to_string()
}
