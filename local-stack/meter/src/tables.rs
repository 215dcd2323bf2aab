//! The keys and indexes of tables: the request units of a write depend on them.

use std::{collections::BTreeMap, sync::Arc};

use crate::item::Item;

/// Tables by name, collected from pairs of name and table.
#[derive(Clone, Debug, Default)]
pub struct Tables(Arc<BTreeMap<String, Table>>);

/// A table's key and its secondary indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The primary key.
    pub key: Key,
    /// Global and local secondary indexes: AWS bills writes to both alike.
    pub indexes: Vec<Index>,
}

/// A primary key or the key of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The partition key's attribute.
    pub partition: String,
    /// The sort key's attribute.
    pub sort: Option<String>,
}

/// A secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its key.
    pub key: Key,
    /// The attributes that it copies from the table.
    pub projection: Projection,
}

/// The projected attributes of an index. The keys of the table and the index are always among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// All attributes.
    All,
    /// The keys only.
    KeysOnly,
    /// The keys and these.
    Include(Vec<String>),
}

impl Tables {
    /// The table that a request names, by its name or its ARN.
    pub(crate) fn get(&self, name: &str) -> Option<&Table> {
        self.0.get(plain_name(name))
    }
}

impl FromIterator<(String, Table)> for Tables {
    fn from_iter<I: IntoIterator<Item = (String, Table)>>(tables: I) -> Self {
        Self(Arc::new(tables.into_iter().collect()))
    }
}

/// The name of a table that is given by its name or its ARN, `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`.
pub(crate) fn plain_name(name: &str) -> &str {
    if name.starts_with("arn:") { name.rsplit('/').next().unwrap_or(name) } else { name }
}

impl Key {
    /// A key of one attribute, or of two.
    pub fn new(partition: impl Into<String>, sort: Option<&str>) -> Self {
        Self { partition: partition.into(), sort: sort.map(str::to_owned) }
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.partition.as_str()).chain(self.sort.as_deref())
    }

    /// The key attributes of `item`; none if it lacks one.
    pub(crate) fn of(&self, item: &Item) -> Option<Item> {
        self.attributes().map(|name| item.get(name).map(|value| (name.to_owned(), value.clone()))).collect()
    }
}

impl Index {
    /// The entry of the index for `item`: none unless the item has all key attributes of the index.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.Writes>
    pub(crate) fn entry(&self, table: &Table, item: &Item) -> Option<Item> {
        let mut entry = self.key.of(item)?;
        let mut copy = |name: &str| {
            if let Some(value) = item.get(name) {
                entry.insert(name.to_owned(), value.clone());
            }
        };
        match &self.projection {
            Projection::All => return Some(item.clone()),
            Projection::KeysOnly => {}
            Projection::Include(names) => names.iter().for_each(|name| copy(name)),
        }
        table.key.attributes().for_each(copy);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(value: &serde_json::Value) -> Item {
        value.as_object().unwrap().clone()
    }

    fn table(projection: Projection) -> Table {
        let index = Index { key: Key::new("status", Some("at")), projection };
        Table { key: Key::new("id", None), indexes: vec![index] }
    }

    #[test]
    fn gsi_writes_page_an_item_without_the_index_key_is_not_in_the_index() {
        let table = table(Projection::All);
        let half = item(&json!({"id": {"S": "1"}, "status": {"S": "new"}}));
        assert_eq!(table.indexes[0].entry(&table, &half), None);
    }

    #[test]
    fn gsi_page_an_entry_holds_table_keys_index_keys_and_what_is_projected() {
        let whole = item(
            &json!({"id": {"S": "1"}, "status": {"S": "new"}, "at": {"S": "x"}, "a": {"N": "1"}, "b": {"N": "2"}}),
        );
        let names = |projection| {
            let table = table(projection);
            let entry = table.indexes[0].entry(&table, &whole).unwrap();
            entry.keys().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(Projection::All), "a at b id status");
        assert_eq!(names(Projection::KeysOnly), "at id status");
        assert_eq!(names(Projection::Include(vec!["b".to_owned()])), "at b id status");
    }

    #[test]
    fn a_table_is_found_by_name_and_by_arn() {
        let tables: Tables = [("orders".to_owned(), table(Projection::All))].into_iter().collect();
        assert!(tables.get("orders").is_some());
        assert!(tables.get("arn:aws:dynamodb:eu-west-1:123456789012:table/orders").is_some());
        assert!(tables.get("payments").is_none());
    }
}
