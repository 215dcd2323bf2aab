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
        let response = Http::new(provider).get("/_simulator/ledger").response().await.json();
        return of_intents(response["payment_intents"].as_array().unwrap());
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
        let before = entry.state.starts_with("captured");
        if before && state == "captured" {
            "captured twice".clone_into(&mut entry.state);
        } else if !before && !state.is_empty() {
            // An intent that nobody confirmed says nothing: its key was forgotten before its id was stored.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(intents: &[(&str, Value)]) -> String {
        let intent = |(status, refund): &(&str, Value)| json!({"metadata": {"order_id": "a"}, "status": status, "refund": refund, "amount": 1, "refused": 0});
        of_intents(&intents.iter().map(intent).collect::<Vec<_>>())["a"].state.clone()
    }

    #[test]
    fn more_than_one_charge_is_never_taken_for_one() {
        let (paid, given_back) = (("succeeded", Value::Null), ("succeeded", json!("re_1")));
        let voided = ("canceled", Value::Null);
        assert_eq!(state(std::slice::from_ref(&paid)), "captured");
        assert_eq!(state(&[paid.clone(), paid.clone()]), "captured twice");
        assert_eq!(state(&[paid.clone(), paid.clone(), paid.clone()]), "captured twice");
        assert_eq!(state(&[paid.clone(), paid.clone(), voided.clone()]), "captured twice");
        let open = ("requires_confirmation", Value::Null);
        assert_eq!(state(&[given_back.clone(), open.clone()]), "refunded");
        assert_eq!(state(&[voided.clone(), open]), "voided");
        assert_eq!(
            state(&[voided, paid.clone(), given_back]),
            "captured",
            "a refund of one leaves the other"
        );
    }
}
