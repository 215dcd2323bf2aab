//! What the payment provider says that it did, wherever it keeps that.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use serde_json::Value;

use super::{Item, number, scan, text};
use crate::{Client as Http, Shop};

/// What matters of what the provider did for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `captured`, `declined`, `refunded`, `voided`, nothing when no attempt came to an end, or `captured twice`.
    pub state: String,
    /// Minor units.
    pub amount: i64,
    /// Charges that were refused because they came after a refund had found nothing.
    pub refused: u64,
}

/// The ledger of the payment simulator, or of the simulation inside the functions where there is none.
pub(super) async fn read(shop: &Shop, client: &Client) -> BTreeMap<String, Entry> {
    if let Some(provider) = shop.ready["payment_provider"].as_str() {
        let answer = Http::new(provider).get("/_simulator/ledger").answer().await.json();
        return of_intents(answer["payment_intents"].as_array().unwrap());
    }
    let items = scan(client, &shop.table("ProviderLedgerTable")).await;
    items.iter().map(|item| (text(item, "idempotency_key"), of_item(item))).collect()
}

fn of_intents(intents: &[Value]) -> BTreeMap<String, Entry> {
    let mut ledger: BTreeMap<String, Entry> = BTreeMap::new();
    for intent in intents {
        let order_id = intent["metadata"]["order_id"].as_str().unwrap_or("no order").to_owned();
        let state = match (intent["status"].as_str(), &intent["refund"]) {
            (Some("succeeded"), Value::Null) => "captured",
            (Some("succeeded"), _) => "refunded",
            (Some("canceled"), _) => "voided",
            (Some("requires_payment_method"), _) => "declined",
            _ => "",
        };
        let amount = intent["amount"].as_i64().unwrap();
        let entry =
            ledger.entry(order_id).or_insert_with(|| Entry { state: String::new(), amount, refused: 0 });
        let twice = entry.state == "captured" && state == "captured";
        if twice {
            "captured twice".clone_into(&mut entry.state);
        } else if entry.state != "captured" {
            state.clone_into(&mut entry.state);
        }
        entry.refused += intent["refused"].as_u64().unwrap();
    }
    ledger
}

fn of_item(item: &Item) -> Entry {
    let amount = if item.contains_key("amount") { number(item, "amount") } else { 0 };
    let state = item.get("state").and_then(|state| state.as_s().ok()).cloned();
    Entry { state: state.unwrap_or_default(), amount, refused: 0 }
}
