//! Parses the writes in a request.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::item_key::ItemKey;
use crate::{
    item::Item,
    rules::WriteMode,
    tables::{Key, Table, Tables, plain_name},
};

/// One item that a request writes, or only checks.
#[derive(Debug)]
pub(super) struct Write {
    /// The table's name.
    pub(super) table: String,
    /// None if the table is not known, or if the request is not well formed.
    pub(super) key: Option<Item>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Put {
        item: Item,
        existing: Existing,
    },
    Update,
    Delete,
    /// A condition in a transaction, on an item that the transaction does not change.
    ConditionCheck,
}

/// Whether a put can replace an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It can.
    Possible,
    /// Its condition is that the item does not exist: if the put succeeds, there was no image before it, and none has to
    /// be read.
    Refused,
}

/// All writes of a request.
#[derive(Debug)]
pub(super) struct Writes {
    pub(super) writes: Vec<Write>,
    pub(super) mode: WriteMode,
    /// `ClientRequestToken` of a transaction.
    pub(super) token: Option<String>,
}

/// The parts of a write that metering needs; the same in all actions that write one item.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Action {
    table_name: String,
    item: Option<Item>,
    key: Option<Item>,
    condition_expression: Option<String>,
    #[serde(default)]
    expression_attribute_names: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transaction {
    transact_items: Vec<BTreeMap<String, Action>>,
    client_request_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    request_items: BTreeMap<String, Vec<BTreeMap<String, BatchEntry>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchEntry {
    item: Option<Item>,
    key: Option<Item>,
}

impl Write {
    pub(super) fn item_key(&self) -> Option<ItemKey> {
        Some(ItemKey { table: self.table.clone(), key: self.key.clone()? })
    }
}

impl Writes {
    /// Parses the request of `operation`; none if the operation does not write items.
    pub(super) fn read(
        operation: &str,
        body: &[u8],
        tables: &Tables,
    ) -> Option<Result<Self, serde_json::Error>> {
        Some(match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => serde_json::from_slice(body).map(|action: Action| {
                let write = action.write(operation.trim_end_matches("Item"), tables);
                Self { writes: write.into_iter().collect(), mode: WriteMode::Standard, token: None }
            }),
            "TransactWriteItems" => serde_json::from_slice(body).map(|transaction: Transaction| {
                let actions = transaction.transact_items.into_iter().flatten();
                Self {
                    writes: actions.filter_map(|(kind, action)| action.write(&kind, tables)).collect(),
                    mode: WriteMode::Transactional,
                    token: transaction.client_request_token,
                }
            }),
            "BatchWriteItem" => serde_json::from_slice(body).map(|batch: Batch| {
                let writes = batch.request_items.iter().flat_map(|(table, entries)| {
                    let entries = entries.iter().flat_map(BTreeMap::values);
                    entries.map(move |entry| entry.write(table, tables))
                });
                Self { writes: writes.collect(), mode: WriteMode::Standard, token: None }
            }),
            _ => return None,
        })
    }
}

impl Action {
    /// None for a kind that DynamoDB does not have.
    fn write(self, kind: &str, tables: &Tables) -> Option<Write> {
        let name = plain_name(&self.table_name).to_owned();
        let table = tables.get(&name);
        let (key, kind) = match kind {
            "Put" => {
                let existing = match (table, &self.condition_expression) {
                    (Some(table), Some(condition))
                        if refuses_existing(condition, &self.expression_attribute_names, &table.key) =>
                    {
                        Existing::Refused
                    }
                    _ => Existing::Possible,
                };
                let item = self.item.unwrap_or_default();
                (table.and_then(|table| table.key.of(&item)), Kind::Put { item, existing })
            }
            "Update" => (table.and(self.key), Kind::Update),
            "Delete" => (table.and(self.key), Kind::Delete),
            "ConditionCheck" => (table.and(self.key), Kind::ConditionCheck),
            _ => return None,
        };
        Some(Write { table: name, key, kind })
    }
}

impl BatchEntry {
    fn write(&self, table: &str, tables: &Tables) -> Write {
        let name = plain_name(table).to_owned();
        let known: Option<&Table> = tables.get(&name);
        match &self.item {
            Some(item) => Write {
                table: name,
                key: known.and_then(|table| table.key.of(item)),
                kind: Kind::Put { item: item.clone(), existing: Existing::Possible },
            },
            None => Write { table: name, key: known.and(self.key.clone()), kind: Kind::Delete },
        }
    }
}

/// Whether the whole condition is `attribute_not_exists(KEY)`.
fn refuses_existing(condition: &str, names: &BTreeMap<String, String>, key: &Key) -> bool {
    let argument = condition
        .trim()
        .strip_prefix("attribute_not_exists")
        .and_then(|rest| rest.trim_start().strip_prefix('('))
        .and_then(|rest| rest.strip_suffix(')'))
        .map(str::trim);
    argument.is_some_and(|name| {
        let name = names.get(name).map_or(name, String::as_str);
        key.attributes().any(|attribute| attribute == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(condition: &str) -> bool {
        let names = [("#k".to_owned(), "id".to_owned()), ("#o".to_owned(), "other".to_owned())].into();
        refuses_existing(condition, &names, &Key::new("id", None))
    }

    #[test]
    fn only_a_condition_on_the_key_alone_means_that_the_item_did_not_exist() {
        assert!(refuses("attribute_not_exists(id)"));
        assert!(refuses(" attribute_not_exists ( #k ) "));
        assert!(!refuses("attribute_not_exists(other)"));
        assert!(!refuses("attribute_not_exists(#o)"));
        assert!(!refuses("attribute_not_exists(id) OR version = :v"));
        assert!(!refuses("attribute_exists(id)"));
        assert!(!refuses("attribute_not_exists(id) OR attribute_not_exists(id)"));
    }

    #[test]
    fn a_read_has_no_writes_and_a_malformed_request_is_an_error() {
        let tables = Tables::default();
        assert!(Writes::read("GetItem", b"{}", &tables).is_none());
        assert!(Writes::read("PutItem", b"[]", &tables).unwrap().is_err());
    }
}
