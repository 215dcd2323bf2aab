//! What writes consume, in the table and in its indexes.

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

/// RequestUnits of a write that turned the image `old` into `new`; `None` is "not there".
///
/// The table takes the larger image, rounded up to 1 KB:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#write-operation-consumption>.
/// A `ConditionCheck` in a transaction costs as a write that changes nothing (AWS's pages do not say so: measured on
/// the real service, <https://github.com/paritysuite/dynamodb-conformance/pull/67>).
///
/// Indexes come on top, and a transaction does not double them. AWS's pages speak of two underlying writes "of every
/// item in the transaction" and of indexes as updated afterwards, asynchronously; measured on the real service,
/// <https://github.com/nubo-db/dynoxide/pull/188>: "an index arm inside a transaction costs what the same write costs
/// outside one".
#[must_use]
pub fn write_units(table: &Table, old: Option<&Item>, new: Option<&Item>, mode: WriteMode) -> u64 {
    let indexes: u64 = table.indexes.iter().map(|index| index_units(table, index, old, new)).sum();
    table_units(size(old).max(size(new)), mode) + indexes
}

/// RequestUnits of a write whose condition did not hold: by the item that is there, at least one, and no index.
///
/// A conditional write that fails still consumes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate>).
/// Editions of AWS's pages differ on whether the size of an item that would have been put counts too; here it does not.
/// For a cancelled transaction AWS publishes no figure and its answer carries none: each of its items is taken to
/// consume as such a write does.
#[must_use]
pub fn failed_write_units(old: Option<&Item>, mode: WriteMode) -> u64 {
    table_units(size(old), mode)
}

/// Half read units of one item of a `TransactWriteItems` that DynamoDB had carried out before under the same
/// `ClientRequestToken`: it reads the items instead of writing them again.
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

/// One write puts an entry, takes one out or changes what it projects; two move it to another key; an entry that stays
/// the same costs nothing. Each is rounded up to 1 KB by the entry's own size, a change by the larger of the two.
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
