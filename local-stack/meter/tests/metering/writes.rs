use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, DeleteRequest, Put, PutRequest, TransactWriteItem, Update, WriteRequest,
};
use meter::ApiCall;

use crate::{
    fixtures::{Dynamo, TABLE},
    items::{in_state, of_size, text},
};

const NEW: &str = "attribute_not_exists(id)";

impl Dynamo {
    /// Sets an attribute of an item.
    fn update(
        &self,
        id: &str,
        name: &str,
        value: &str,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(TABLE).key("id", text(id));
        let update = update.update_expression("SET #n = :v").expression_attribute_names("#n", name);
        update.expression_attribute_values(":v", text(value))
    }
}

fn writes(calls: &[ApiCall]) -> Vec<u64> {
    calls.iter().map(|call| call.units.write_units).collect()
}

#[tokio::test]
async fn put_item_by_the_larger_image_and_its_index_entry() {
    let dynamo = Dynamo::start().await;
    let put = |item| dynamo.client.put_item().table_name(TABLE).set_item(Some(item));
    put(in_state("1", "new", 2500)).send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 3 + 1));
    put(of_size("1", 100)).send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 3 + 1), "smaller, and out of the index");
    put(of_size("1", 100)).send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 1));
    put(in_state("2", "new", 100)).condition_expression(NEW).send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 1 + 1), "only if it is new");
    dynamo.stop().await;
}

#[tokio::test]
async fn put_item_reads_an_item_that_is_not_cached() {
    let dynamo = Dynamo::start().await;
    dynamo.given([in_state("1", "new", 2500)]).await;
    dynamo.client.put_item().table_name(TABLE).set_item(Some(of_size("1", 100))).send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 3 + 1));
    dynamo.stop().await;
}

#[tokio::test]
async fn update_item_that_changes_an_index_key_writes_the_index_twice() {
    let dynamo = Dynamo::start().await;
    dynamo.given([in_state("1", "new", 1500)]).await;
    dynamo.update("1", "state", "done").send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 2 + 2));
    dynamo.update("1", "note", "x").send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 2), "an attribute that the index does not hold");
    dynamo.update("2", "state", "new").send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 1 + 1), "an update that creates");
    dynamo.stop().await;
}

#[tokio::test]
async fn consecutive_updates_are_exact_without_waiting_for_their_metering() {
    let dynamo = Dynamo::start().await;
    dynamo.given([in_state("1", "a", 1500)]).await;
    for round in 0..20 {
        dynamo.update("1", "state", if round % 2 == 0 { "b" } else { "a" }).send().await.unwrap();
        dynamo.update("1", "note", &round.to_string()).send().await.unwrap();
    }
    let mut units = writes(&dynamo.metered.calls().await);
    units.sort_unstable();
    assert_eq!(units, [vec![2; 20], vec![4; 20]].concat());
    dynamo.stop().await;
}

#[tokio::test]
async fn concurrent_writes_are_all_metered_and_none_waits() {
    let dynamo = Dynamo::start().await;
    dynamo.given([of_size("1", 1500)]).await;
    let writes = (0..32).map(|number| dynamo.update("1", "note", &number.to_string()).send());
    let done = futures_util::future::join_all(writes).await;
    assert!(done.iter().all(Result::is_ok));
    let calls = dynamo.metered.calls().await;
    let counted = calls.iter().filter(|call| call.units.write_units == 2 && call.gap.is_none());
    assert_eq!(counted.count(), 32, "{calls:?}");
    dynamo.stop().await;
}

#[tokio::test]
async fn delete_item_by_the_deleted_image() {
    let dynamo = Dynamo::start().await;
    dynamo.given([in_state("1", "new", 2500)]).await;
    for expected in [3 + 1, 1] {
        dynamo.client.delete_item().table_name(TABLE).key("id", text("1")).send().await.unwrap();
        assert_eq!(dynamo.units().await, (0, expected));
    }
    dynamo.stop().await;
}

#[tokio::test]
async fn a_failed_condition_consumes_by_the_existing_item() {
    let dynamo = Dynamo::start().await;
    dynamo.given([in_state("1", "new", 2500)]).await;
    let put = dynamo.client.put_item().table_name(TABLE).set_item(Some(of_size("1", 100)));
    put.condition_expression(NEW).send().await.unwrap_err();
    let call = dynamo.metered.call().await;
    assert_eq!(call.error_type.as_deref(), Some("ConditionalCheckFailedException"));
    assert_eq!((call.status, call.units.write_units), (400, 3));
    dynamo.update("2", "note", "x").condition_expression("attribute_exists(id)").send().await.unwrap_err();
    assert_eq!(dynamo.units().await, (0, 1), "nothing was there");
    // The cache still has the large item, because nothing was changed.
    dynamo.client.put_item().table_name(TABLE).set_item(Some(of_size("1", 100))).send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 3 + 1));
    dynamo.stop().await;
}

#[tokio::test]
async fn a_rejected_write_consumes_nothing() {
    let dynamo = Dynamo::start().await;
    dynamo.client.put_item().table_name(TABLE).item("no_key", text("1")).send().await.unwrap_err();
    let call = dynamo.metered.call().await;
    assert_eq!((call.status, call.units.write_units, call.gap), (400, 0, None));
    dynamo.stop().await;
}

#[tokio::test]
async fn batch_write_item_rounds_each_item() {
    let dynamo = Dynamo::start().await;
    dynamo.given([of_size("3", 2000)]).await;
    let put = |item| {
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let delete = DeleteRequest::builder().key("id", text("3")).build().unwrap();
    let batch = vec![
        put(of_size("1", 500)),
        put(of_size("2", 3584)),
        WriteRequest::builder().delete_request(delete).build(),
    ];
    dynamo.client.batch_write_item().request_items(TABLE, batch).send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 1 + 4 + 2));
    dynamo.stop().await;
}

fn put(id: &str, condition: Option<&str>) -> TransactWriteItem {
    let put = Put::builder().table_name(TABLE).set_item(Some(in_state(id, "new", 500)));
    let put = put.set_condition_expression(condition.map(str::to_owned)).build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

#[tokio::test]
async fn a_transaction_doubles_the_table_and_not_the_index() {
    let dynamo = Dynamo::start().await;
    dynamo.given([in_state("2", "new", 1500), in_state("3", "new", 500), of_size("4", 2500)]).await;
    let update = Update::builder().table_name(TABLE).key("id", text("2")).update_expression("SET #s = :s");
    let update =
        update.expression_attribute_names("#s", "state").expression_attribute_values(":s", text("done"));
    let delete = Delete::builder().table_name(TABLE).key("id", text("3")).build().unwrap();
    let check = ConditionCheck::builder().table_name(TABLE).key("id", text("4"));
    let check = check.condition_expression("attribute_exists(id)").build().unwrap();
    let transaction = dynamo.client.transact_write_items().transact_items(put("1", Some(NEW)));
    let transaction = transaction
        .transact_items(TransactWriteItem::builder().update(update.build().unwrap()).build())
        .transact_items(TransactWriteItem::builder().delete(delete).build())
        .transact_items(TransactWriteItem::builder().condition_check(check).build());
    transaction.send().await.unwrap();
    let (put, update, delete, check) = (2 + 1, 4 + 2, 2 + 1, 6);
    assert_eq!(dynamo.units().await, (0, put + update + delete + check));
    dynamo.stop().await;
}

#[tokio::test]
async fn a_cancelled_transaction_consumes_for_each_item() {
    let dynamo = Dynamo::start().await;
    dynamo.given([of_size("2", 2500)]).await;
    let transaction = dynamo.client.transact_write_items();
    let transaction = transaction.transact_items(put("1", Some(NEW))).transact_items(put("2", Some(NEW)));
    transaction.send().await.unwrap_err();
    let call = dynamo.metered.call().await;
    assert_eq!(call.error_type.as_deref(), Some("TransactionCanceledException"));
    assert_eq!((call.units.write_units, call.gap), (2 + 6, None));
    dynamo.stop().await;
}

#[tokio::test]
async fn a_repeated_transaction_is_read_and_not_written() {
    let dynamo = Dynamo::start().await;
    let send =
        || dynamo.client.transact_write_items().transact_items(put("1", Some(NEW))).client_request_token("t");
    send().send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 2 + 1));
    send().send().await.unwrap();
    assert_eq!(dynamo.units().await, (4, 0));
    dynamo.stop().await;
}
