//! The writes of an order, without the functions that make them.

use std::{collections::HashMap, time::Instant};

use aws_sdk_dynamodb::types::{
    AttributeValue::{self, L, M, N, S},
    Put, TransactWriteItem, Update,
};
use e2e::Shop;
use futures_util::future::join_all;

use crate::{CLIENTS, ORDERS_EACH};

/// Makes and settles as many orders as before, as create-order and process-payment do: one transaction takes two offers'
/// stock and puts the order, the next changes the order and puts its payment.
pub(crate) async fn alone(shop: &Shop) {
    let start = Instant::now();
    join_all((0..CLIENTS).map(|client| async move {
        for number in 0..ORDERS_EACH {
            let id = format!("measured-{client}-{number}");
            transact(shop, create(shop, &id)).await;
            transact(shop, settle(shop, &id)).await;
        }
    }))
    .await;
    let orders = f64::from(u32::try_from(CLIENTS * ORDERS_EACH).unwrap());
    let rate = orders / start.elapsed().as_secs_f64();
    println!(
        "their writes alone           {rate:>9.0}      orders a second, by {CLIENTS} clients of DynamoDB"
    );
}

async fn transact(shop: &Shop, items: Vec<TransactWriteItem>) {
    let write = shop.aws.dynamodb().transact_write_items().set_transact_items(Some(items));
    write.send().await.unwrap();
}

fn text(text: &str) -> AttributeValue {
    S(text.to_owned())
}

fn create(shop: &Shop, id: &str) -> Vec<TransactWriteItem> {
    let products = ["stoneware-mug", "record-brush"];
    let take = products.map(|product| {
        let update = Update::builder().table_name(shop.table("CatalogTable"));
        let update = update.key("product_id", text(product)).key("record", text("offer"));
        let update = update.update_expression("SET available = available - :one");
        let update = update.condition_expression("available >= :one");
        let update = update.expression_attribute_values(":one", N("1".to_owned())).build().unwrap();
        TransactWriteItem::builder().update(update).build()
    });
    let line = |product| {
        M(HashMap::from([
            ("product_id".to_owned(), text(product)),
            ("name".to_owned(), text("A thing with a name of some length")),
            ("quantity".to_owned(), N("1".to_owned())),
            ("unit_price".to_owned(), N("1800".to_owned())),
        ]))
    };
    // Not PENDING: no function must hear of it. It is in the index of what is due like any new order.
    let put = Put::builder().table_name(shop.table("OrdersTable")).item("order_id", text(id));
    let put = put
        .item("status", text("MEASURED"))
        .item("due_shard", text("00"))
        .item("due_at", text("2026-11-21T08:15:30.123Z"));
    let put = put.item("created_at", text("2026-11-21T08:15:30.123Z")).item("total", N("3600".to_owned()));
    let put = put.item("items", L(products.map(line).to_vec()));
    let put = put.condition_expression("attribute_not_exists(order_id)").build().unwrap();
    take.into_iter().chain([TransactWriteItem::builder().put(put).build()]).collect()
}

fn settle(shop: &Shop, id: &str) -> Vec<TransactWriteItem> {
    let update = Update::builder().table_name(shop.table("OrdersTable")).key("order_id", text(id));
    let update = update.update_expression("SET #status = :to REMOVE due_shard, due_at");
    let update =
        update.condition_expression("#status = :from").expression_attribute_names("#status", "status");
    let update = update.expression_attribute_values(":from", text("MEASURED"));
    let update = update.expression_attribute_values(":to", text("SETTLED")).build().unwrap();
    let put = Put::builder().table_name(shop.table("PaymentsTable")).item("order_id", text(id));
    let put = put.item("outcome", text("CAPTURED")).item("amount", N("3600".to_owned())).build().unwrap();
    let (update, put) = (TransactWriteItem::builder().update(update), TransactWriteItem::builder().put(put));
    vec![update.build(), put.build()]
}
