//! Everything in the shop's tables, and the invariants that it must hold.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use serde_json::Value;

mod ledger;
mod part;

use ledger::Entry;

use crate::{Backend, Need, Shop, stock};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The tables at one moment. What is compared is text, so that two moments can be compared whole.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSnapshot {
    /// Stock by product when the test began.
    seeded: BTreeMap<String, i64>,
    /// Offers by product.
    pub available: BTreeMap<String, i64>,
    /// Orders by id.
    pub orders: BTreeMap<String, Order>,
    /// Whether the provider's ledger and the payment records are known: HTTP does not show them.
    with_charges: bool,
    /// The provider's ledger by order.
    pub ledger: BTreeMap<String, Entry>,
    /// Payment records by order: their outcome.
    pub payments: BTreeMap<String, String>,
}

/// What matters of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its state.
    pub status: String,
    /// The states it has been in.
    pub history: Vec<String>,
    /// Quantities by product.
    pub lines: BTreeMap<String, i64>,
    /// Its total in minor units.
    pub total: i64,
    /// Whether it is in the index of orders whose payment or refund is due; HTTP does not show that.
    pub indexed: bool,
}

/// The histories that an order may have.
const VALID_HISTORIES: [&[&str]; 5] = [
    &["PENDING"],
    &["PENDING", "CONFIRMED"],
    &["PENDING", "PAYMENT_FAILED"],
    &["PENDING", "CANCELLED"],
    &["PENDING", "CONFIRMED", "CANCELLED"],
];

impl TableSnapshot {
    /// The tables where they can be looked into, else what HTTP shows of the orders that this test made.
    pub(crate) async fn read(shop: &Shop) -> Self {
        match Backend::current().lacks(Need::Tables) {
            None => Self::of_tables(shop).await,
            Some(_) => Self::over_http(shop).await,
        }
    }

    async fn of_tables(shop: &Shop) -> Self {
        let client = shop.aws.dynamodb();
        let catalog = scan(&client, &shop.table("CatalogTable")).await;
        let offers = catalog.iter().filter(|item| text(item, "record") == "offer");
        let orders = scan(&client, &shop.table("OrdersTable")).await;
        let ledger = ledger::read(shop, &client).await;
        let payments = scan(&client, &shop.table("PaymentsTable")).await;
        Self {
            seeded: shop.stock().clone(),
            available: offers.map(|item| (text(item, "product_id"), number(item, "available"))).collect(),
            orders: orders.iter().map(|item| (text(item, "order_id"), order(item))).collect(),
            with_charges: true,
            ledger,
            payments: payments.iter().map(|item| (text(item, "order_id"), text(item, "outcome"))).collect(),
        }
    }

    /// Pieces of a product that came after the seed.
    pub fn restocked(&mut self, product_id: &str, pieces: i64) {
        *self.seeded.entry(product_id.to_owned()).or_default() += pieces;
    }

    /// Holds only while nobody else orders.
    async fn over_http(shop: &Shop) -> Self {
        let mut orders = BTreeMap::new();
        for id in shop.http.orders_placed() {
            let order = shop.get_order(&id).await;
            orders.insert(id, Order::shown(&order));
        }
        Self {
            seeded: shop.stock().clone(),
            available: stock::available_over_http(&shop.http).await,
            orders,
            with_charges: false,
            ledger: BTreeMap::new(),
            payments: BTreeMap::new(),
        }
    }

    /// Counts the orders in a state.
    #[must_use]
    pub fn count(&self, status: &str) -> usize {
        self.orders.values().filter(|order| order.status == status).count()
    }

    /// The invariants of the design; with `quiet`, also that nothing is under way any more.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self, quiet: bool) -> Result<(), String> {
        self.check_stock()?;
        for (id, order) in &self.orders {
            self.check_order(id, order, quiet).map_err(|what| format!("order {id}: {what}: {order:?}"))?;
        }
        match self.charges_without_order().as_slice() {
            [] => Ok(()),
            stray => Err(format!("charges under {stray:?}, which are no orders")),
        }
    }

    /// Seeded stock = available + what PENDING and CONFIRMED orders hold; never negative.
    fn check_stock(&self) -> Result<(), String> {
        for (product, seeded) in &self.seeded {
            let available = self.available.get(product).copied().unwrap_or_default();
            let holding =
                self.orders.values().filter(|order| matches!(order.status.as_str(), "PENDING" | "CONFIRMED"));
            let held: i64 = holding.filter_map(|order| order.lines.get(product)).sum();
            if available < 0 || available + held != *seeded {
                return Err(format!(
                    "{product}: {seeded} seeded, {available} available, {held} held by orders"
                ));
            }
        }
        Ok(())
    }

    /// A CONFIRMED order has exactly one captured charge of its total; another ended one has none or a refunded one.
    fn check_order(&self, id: &str, order: &Order, quiet: bool) -> Result<(), String> {
        let history: Vec<&str> = order.history.iter().map(String::as_str).collect();
        if history.last() != Some(&order.status.as_str()) || !VALID_HISTORIES.contains(&history.as_slice()) {
            return Err("its history is none that an order may have".to_owned());
        }
        let (pending, confirmed) = (order.status == "PENDING", order.status == "CONFIRMED");
        if (pending && !order.indexed) || (confirmed && order.indexed) {
            return Err("the index of what is due is wrong".to_owned());
        }
        if quiet && order.indexed {
            return Err("its payment or refund is still due".to_owned());
        }
        if pending {
            return Ok(());
        }
        if self.with_charges { self.check_charge(id, order) } else { Ok(()) }
    }

    fn check_charge(&self, id: &str, order: &Order) -> Result<(), String> {
        let entry = self.ledger.get(id);
        let confirmed = order.status == "CONFIRMED";
        let charged = entry.is_some_and(|entry| entry.state.starts_with("captured"));
        if confirmed && entry.is_none_or(|entry| entry.state != "captured" || entry.amount != order.total) {
            return Err(format!("the charge is not its total: {entry:?}"));
        }
        // Until a refund is made, the order says that it is due; one that is refused for good waits for people.
        let with_people = self.payments.get(id).is_some_and(|outcome| outcome == "REFUND_REFUSED");
        if confirmed != charged && (confirmed || !(order.indexed || with_people)) {
            return Err(format!("its charge does not agree with its end: {entry:?}"));
        }
        // An order that was cancelled before it was paid gets its record with the refund.
        if self.payments.contains_key(id) || order.indexed {
            Ok(())
        } else {
            Err("it has no payment record".to_owned())
        }
    }
}

impl Order {
    /// An order as HTTP answers it.
    fn shown(order: &Value) -> Self {
        let list = |name: &str| order[name].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            status: text(&order["status"]),
            history: list("history").map(|step| text(&step["status"])).collect(),
            lines: list("items")
                .map(|line| (text(&line["product_id"]), line["quantity"].as_i64().unwrap()))
                .collect(),
            total: order["total"]["amount"].as_i64().unwrap(),
            indexed: order["status"] == "PENDING",
        }
    }
}

fn order(item: &Item) -> Order {
    let lines = item["items"].as_l().unwrap().iter().map(|line| {
        let line = line.as_m().unwrap();
        (text(line, "product_id"), number(line, "quantity"))
    });
    let history = item["history"].as_l().unwrap().iter().map(|step| text(step.as_m().unwrap(), "status"));
    Order {
        status: text(item, "status"),
        history: history.collect(),
        lines: lines.collect(),
        total: number(item, "total"),
        indexed: item.contains_key("due_shard"),
    }
}

fn text(item: &Item, name: &str) -> String {
    item[name].as_s().unwrap().clone()
}

fn number(item: &Item, name: &str) -> i64 {
    item[name].as_n().unwrap().parse().unwrap()
}

pub(crate) async fn scan(client: &Client, table: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let page =
            client.scan().table_name(table).consistent_read(true).set_exclusive_start_key(start).send();
        let page = page.await.unwrap();
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return items;
        }
    }
}
