use aws_sdk_dynamodb::types::{Get, KeysAndAttributes, Select, TransactGetItem};

use crate::{
    fixtures::{CALLER, Dynamo, INDEX, TABLE},
    items::{in_state, of_size, text},
};

#[tokio::test]
async fn a_call_has_its_caller_operation_and_resources() {
    let dynamo = Dynamo::start().await;
    dynamo.client.get_item().table_name(TABLE).key("id", text("1")).send().await.unwrap();
    let call = dynamo.metered.call().await;
    assert_eq!(call.caller, CALLER);
    assert_eq!(call.operation, "GetItem");
    assert_eq!(call.resources, [TABLE]);
    assert_eq!((call.status, call.error_type, call.sqs_requests), (200, None, 0));
    dynamo.stop().await;
}

#[tokio::test]
async fn get_item_by_size_and_consistency() {
    let dynamo = Dynamo::start().await;
    dynamo.given([of_size("1", 5000)]).await;
    let get = || dynamo.client.get_item().table_name(TABLE);
    get().key("id", text("1")).send().await.unwrap();
    assert_eq!(dynamo.units().await, (2, 0));
    get().key("id", text("1")).consistent_read(true).send().await.unwrap();
    assert_eq!(dynamo.units().await, (4, 0));
    get().key("id", text("2")).consistent_read(true).send().await.unwrap();
    assert_eq!(dynamo.units().await, (2, 0), "an item that is not there");
    get().key("id", text("1")).projection_expression("id").send().await.unwrap();
    assert_eq!(dynamo.units().await, (2, 0), "a projection reads the whole item");
    dynamo.stop().await;
}

#[tokio::test]
async fn batch_get_item_rounds_each_item_and_counts_missing_ones() {
    let dynamo = Dynamo::start().await;
    dynamo.given([of_size("1", 1500), of_size("2", 6500)]).await;
    for projection in [None, Some("id".to_owned())] {
        let keys = ["1", "2", "3"].map(|id| [("id".to_owned(), text(id))].into());
        let keys =
            KeysAndAttributes::builder().set_keys(Some(keys.into())).set_projection_expression(projection);
        let request = dynamo.client.batch_get_item().request_items(TABLE, keys.build().unwrap());
        request.send().await.unwrap();
        assert_eq!(dynamo.units().await, (1 + 2 + 1, 0));
    }
    dynamo.stop().await;
}

#[tokio::test]
async fn transact_get_items_consume_double_also_for_missing_items() {
    let dynamo = Dynamo::start().await;
    dynamo.given([of_size("1", 500)]).await;
    let get = |id| {
        let get = Get::builder().table_name(TABLE).key("id", text(id)).build().unwrap();
        TransactGetItem::builder().get(get).build()
    };
    dynamo
        .client
        .transact_get_items()
        .transact_items(get("1"))
        .transact_items(get("2"))
        .send()
        .await
        .unwrap();
    assert_eq!(dynamo.units().await, (4 + 4, 0));
    dynamo.stop().await;
}

#[tokio::test]
async fn a_scan_counts_the_items_that_its_filter_excludes() {
    let dynamo = Dynamo::start().await;
    dynamo.given(["1", "2", "3"].map(|id| of_size(id, 3000))).await;
    let scan = || dynamo.client.scan().table_name(TABLE);
    scan().send().await.unwrap();
    assert_eq!(dynamo.units().await, (3, 0), "9,000 bytes");
    let filtered = scan().filter_expression("#i = :i").expression_attribute_names("#i", "id");
    let response = filtered.expression_attribute_values(":i", text("1")).send().await.unwrap();
    assert_eq!(response.count, 1);
    assert_eq!(dynamo.units().await, (3, 0));
    scan().select(Select::Count).send().await.unwrap();
    assert_eq!(dynamo.units().await, (3, 0));
    dynamo.stop().await;
}

#[tokio::test]
async fn a_query_of_an_index_counts_its_entries() {
    let dynamo = Dynamo::start().await;
    dynamo.given(["1", "2", "3"].map(|id| in_state(id, "new", 3000))).await;
    let query = |state: &str| {
        let query = dynamo.client.query().table_name(TABLE).index_name(INDEX);
        let query = query.key_condition_expression("#s = :s").expression_attribute_names("#s", "state");
        query.expression_attribute_values(":s", text(state))
    };
    assert_eq!(query("new").send().await.unwrap().count, 3);
    assert_eq!(dynamo.units().await, (1, 0), "keys only: three entries of 11 bytes");
    let filtered = query("new").filter_expression("id = :i").expression_attribute_values(":i", text("1"));
    assert_eq!(filtered.send().await.unwrap().count, 1);
    assert_eq!(dynamo.units().await, (1, 0));
    query("old").send().await.unwrap();
    assert_eq!(dynamo.units().await, (1, 0), "an empty page");
    let table = dynamo.client.query().table_name(TABLE).key_condition_expression("id = :i");
    table.expression_attribute_values(":i", text("1")).consistent_read(true).send().await.unwrap();
    assert_eq!(dynamo.units().await, (2, 0), "of the table, consistently");
    dynamo.stop().await;
}

#[tokio::test]
async fn an_operation_that_reads_no_items_consumes_nothing() {
    let dynamo = Dynamo::start().await;
    dynamo.client.describe_table().table_name(TABLE).send().await.unwrap();
    assert_eq!(dynamo.units().await, (0, 0));
    dynamo.stop().await;
}
