use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use super::*;
use crate::tables::{Key, Projection};

fn plain() -> Table {
    Table { key: Key::new("id", None), indexes: Vec::new() }
}

fn indexed(projection: Projection) -> Table {
    Table { key: Key::new("id", None), indexes: vec![Index { key: Key::new("state", None), projection }] }
}

/// An item of `bytes` bytes.
fn of_size(bytes: usize) -> Item {
    let item = json!({"id": {"S": "1"}, "x": {"S": "x".repeat(bytes - 4)}}).as_object().unwrap().clone();
    assert_eq!(item_size(&item), bytes as u64);
    item
}

fn in_state(state: &str, note: &str) -> Item {
    json!({"id": {"S": "1"}, "state": {"S": state}, "note": {"S": note}}).as_object().unwrap().clone()
}

fn units(table: &Table, old: Option<&Item>, new: Option<&Item>) -> u64 {
    write_units(table, old, new, WriteMode::Standard)
}

#[test]
fn write_operation_consumption_page_sizes_round_up_to_1_kb() {
    assert_eq!(units(&plain(), None, Some(&of_size(500))), 1);
    assert_eq!(units(&plain(), None, Some(&of_size(1024))), 1);
    assert_eq!(units(&plain(), None, Some(&of_size(1638))), 2, "1.6 KB");
    // BatchWriteItem of 500 bytes and 3.5 KB: 5 KB, not 4 KB.
    assert_eq!(units(&plain(), None, Some(&of_size(500))) + units(&plain(), None, Some(&of_size(3584))), 5);
}

#[test]
fn write_operation_consumption_page_the_larger_image_counts() {
    assert_eq!(units(&plain(), Some(&of_size(3000)), Some(&of_size(100))), 3);
    assert_eq!(units(&plain(), Some(&of_size(100)), Some(&of_size(3000))), 3);
}

#[test]
fn write_operation_consumption_page_delete_by_the_deleted_item() {
    assert_eq!(units(&plain(), Some(&of_size(3000)), None), 3);
    assert_eq!(units(&plain(), None, None), 1, "an item that is not there");
}

#[test]
fn working_with_items_page_a_failed_condition_consumes_by_the_existing_item_and_at_least_one() {
    assert_eq!(failed_write_units(Some(&of_size(3000)), WriteMode::Standard), 3);
    assert_eq!(failed_write_units(None, WriteMode::Standard), 1);
    assert_eq!(failed_write_units(None, WriteMode::Transactional), 2);
}

#[test]
fn transaction_apis_page_example_of_three_items_of_500_bytes() {
    let item = of_size(500);
    let one = write_units(&plain(), None, Some(&item), WriteMode::Transactional);
    assert_eq!(3 * one, 6);
}

#[test]
fn dynamodb_conformance_67_a_condition_check_is_two_write_units_per_kilobyte() {
    let item = of_size(1500);
    assert_eq!(write_units(&indexed(Projection::All), Some(&item), Some(&item), WriteMode::Transactional), 4);
    assert_eq!(write_units(&plain(), None, None, WriteMode::Transactional), 2);
}

#[test]
fn dynamodb_conformance_74_a_replayed_transaction_is_read_in_4_kb_steps() {
    assert_eq!(replay_half_units(Some(&of_size(1500))), 2 * 2);
    assert_eq!(replay_half_units(Some(&of_size(9 * 1024))), 6 * 2);
}

#[test]
fn gsi_write_capacity_page_a_new_entry_is_one_write() {
    let table = indexed(Projection::All);
    assert_eq!(units(&table, None, Some(&in_state("new", ""))), 1 + 1);
    let outside = json!({"id": {"S": "1"}}).as_object().unwrap().clone();
    assert_eq!(units(&table, Some(&outside), Some(&in_state("new", ""))), 1 + 1, "defined by an update");
}

#[test]
fn gsi_write_capacity_page_another_index_key_is_two_writes() {
    let table = indexed(Projection::KeysOnly);
    assert_eq!(units(&table, Some(&in_state("new", "")), Some(&in_state("done", ""))), 1 + 2);
}

#[test]
fn gsi_write_capacity_page_a_removed_entry_is_one_write() {
    let table = indexed(Projection::KeysOnly);
    let outside = json!({"id": {"S": "1"}}).as_object().unwrap().clone();
    assert_eq!(units(&table, Some(&in_state("new", "")), Some(&outside)), 1 + 1);
    assert_eq!(units(&table, Some(&in_state("new", "")), None), 1 + 1, "deleted");
}

#[test]
fn gsi_write_capacity_page_an_item_outside_the_index_consumes_nothing_there() {
    let outside = json!({"id": {"S": "1"}, "note": {"S": "x"}}).as_object().unwrap().clone();
    assert_eq!(units(&indexed(Projection::All), None, Some(&outside)), 1);
}

#[test]
fn gsi_write_capacity_page_a_changed_projected_attribute_is_one_write() {
    let (old, new) = (in_state("new", "a"), in_state("new", "b"));
    assert_eq!(units(&indexed(Projection::All), Some(&old), Some(&new)), 1 + 1);
    assert_eq!(units(&indexed(Projection::Include(vec!["note".to_owned()])), Some(&old), Some(&new)), 1 + 1);
    assert_eq!(units(&indexed(Projection::KeysOnly), Some(&old), Some(&new)), 1, "not projected");
}

#[test]
fn dynamodb_conformance_137_an_overwrite_that_changes_nothing_charges_no_index() {
    let item = in_state("new", "a");
    assert_eq!(units(&indexed(Projection::All), Some(&item), Some(&item)), 1);
}

#[test]
fn dynamodb_conformance_149_entries_are_rounded_by_their_own_size() {
    let table = indexed(Projection::All);
    let (large, small) = (in_state("new", &"x".repeat(2500)), in_state("new", ""));
    assert_eq!(units(&table, Some(&large), Some(&small)), 3 + 3, "in place: the larger of the two");
    let moved = in_state("done", &"x".repeat(1400));
    let before = in_state("new", &"x".repeat(1400));
    assert_eq!(units(&table, Some(&before), Some(&moved)), 2 + 2 + 2, "a move: both halves");
    let keys = indexed(Projection::KeysOnly);
    assert_eq!(units(&keys, None, Some(&large)), 3 + 1, "the entry is small though the item is not");
}

#[test]
fn dynoxide_188_a_transaction_doubles_the_table_and_not_the_index() {
    let table = indexed(Projection::KeysOnly);
    let (old, new) = (in_state("new", ""), in_state("done", ""));
    assert_eq!(write_units(&table, Some(&old), Some(&new), WriteMode::Transactional), 2 + 2);
}

proptest! {
    #[test]
    fn without_indexes_a_transaction_costs_twice_as_much(old in 4_usize..5000, new in 4_usize..5000) {
        let (old, new) = (of_size(old), of_size(new));
        let standard = write_units(&plain(), Some(&old), Some(&new), WriteMode::Standard);
        prop_assert_eq!(write_units(&plain(), Some(&old), Some(&new), WriteMode::Transactional), 2 * standard);
    }

    #[test]
    fn an_index_costs_at_most_its_two_entries(before in "[ab]", after in "[ab]", old in 0_usize..3000, new in 0_usize..3000) {
        let (old, new) = (in_state(&before, &"x".repeat(old)), in_state(&after, &"x".repeat(new)));
        let table = indexed(Projection::All);
        let index = units(&table, Some(&old), Some(&new)) - units(&plain(), Some(&old), Some(&new));
        let most = item_size(&old).div_ceil(1024) + item_size(&new).div_ceil(1024);
        prop_assert!(index <= most);
        prop_assert_eq!(index == 0, same_item(&old, &new));
    }
}
