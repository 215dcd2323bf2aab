//! Write request units, of a table and of its indexes.

use super::{Consistency, increments, read_half_units};
use crate::{
    item::{Item, item_size, same_item},
    tables::{Index, Table},
};

/// Whether a write is part of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// `PutItem`, `UpdateItem`, `DeleteItem`, `BatchWriteItem`.
    Standard,
    /// `TransactWriteItems`: every item is written twice, to prepare and to commit.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling>
    Transactional,
}

const INCREMENT: u64 = 1024;

/// The write request units of a write that changed an item from `old` to `new`; `None` means that it does not exist.
///
/// The table consumes the size of the larger image, rounded up to 1 KB:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#write-operation-consumption>.
/// A `ConditionCheck` in a transaction consumes as much as a write that changes nothing (AWS's pages do not say so; it was
/// measured on the real service, <https://github.com/paritysuite/dynamodb-conformance/pull/67>).
///
/// Indexes consume in addition, and a transaction does not double that. AWS's pages speak of two underlying writes "of every
/// item in the transaction", and of indexes that are updated asynchronously afterwards. It was measured on the real service,
/// <https://github.com/nubo-db/dynoxide/pull/188>: "an index arm inside a transaction costs what the same write costs
/// outside one".
#[must_use]
pub fn write_units(table: &Table, old: Option<&Item>, new: Option<&Item>, mode: WriteMode) -> u64 {
    let indexes: u64 = table.indexes.iter().map(|index| index_units(table, index, old, new)).sum();
    table_units(size(old).max(size(new)), mode) + indexes
}

/// The write request units of a write whose condition failed: by the size of the existing item, at least one, without indexes.
///
/// A conditional write that fails is billed
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate>).
/// Editions of AWS's pages differ on whether the size of the new item counts too; here it does not. AWS does not document
/// what a cancelled transaction consumes, and its response does not contain it: here, each of its items consumes as such a
/// write does.
#[must_use]
pub fn failed_write_units(old: Option<&Item>, mode: WriteMode) -> u64 {
    table_units(size(old), mode)
}

/// The half read request units of one item of a `TransactWriteItems` that has succeeded before with the same
/// `ClientRequestToken`: DynamoDB reads the items instead of writing them again.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-apis-txwriteitems>
#[must_use]
pub fn replay_half_units(image: Option<&Item>) -> u64 {
    read_half_units(size(image), Consistency::Transactional)
}

fn table_units(bytes: u64, mode: WriteMode) -> u64 {
    increments(bytes, INCREMENT)
        * match mode {
            WriteMode::Standard => 1,
            WriteMode::Transactional => 2,
        }
}

/// The write request units of an index: one write adds or removes an entry or changes its projected attributes, two writes
/// move it to another key, and an unchanged entry consumes nothing. Each is rounded up to 1 KB by the size of the entry, a
/// change by the larger size.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes>
fn index_units(table: &Table, index: &Index, old: Option<&Item>, new: Option<&Item>) -> u64 {
    let entry = |item: Option<&Item>| item.and_then(|item| index.entry(table, item));
    match (entry(old), entry(new)) {
        (None, None) => 0,
        (Some(entry), None) | (None, Some(entry)) => increments(item_size(&entry), INCREMENT),
        (Some(old), Some(new)) if same_item(&old, &new) => 0,
        (Some(old), Some(new)) => {
            let (old_size, new_size) = (item_size(&old), item_size(&new));
            let key = |entry: &Item| index.key.of(entry).unwrap_or_default();
            if same_item(&key(&old), &key(&new)) {
                increments(old_size.max(new_size), INCREMENT)
            } else {
                increments(old_size, INCREMENT) + increments(new_size, INCREMENT)
            }
        }
    }
}

fn size(item: Option<&Item>) -> u64 {
    item.map_or(0, item_size)
}

#[cfg(test)]
mod tests;
