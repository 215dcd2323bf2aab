//! What reads consume.

use super::increments;

/// How a read sees writes that came just before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The default: half a unit for each 4 KB.
    Eventual,
    /// `ConsistentRead`: one unit.
    Strong,
    /// `TransactGetItems`: two units.
    Transactional,
}

const INCREMENT: u64 = 4096;

/// Half units of one read of `bytes`, rounded up to 4 KB.
///
/// `bytes` is the item's whole size, whatever a projection expression returns of it; for a page of a Query or Scan the
/// sum of all items that were looked at, a filter's leavings included (rounded once); for an item of a batch its own
/// size. An item or page that is not there takes one step:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html#read-operation-consumption>
#[must_use]
pub fn read_half_units(bytes: u64, consistency: Consistency) -> u64 {
    let halves = match consistency {
        Consistency::Eventual => 1,
        Consistency::Strong => 2,
        Consistency::Transactional => 4,
    };
    increments(bytes, INCREMENT) * halves
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    const KB: u64 = 1024;

    /// 40.8 KB and other fractions of the page's examples.
    fn tenths(kilobytes: u64) -> u64 {
        kilobytes * KB / 10
    }

    #[test]
    fn read_operation_consumption_page_get_item_examples() {
        assert_eq!(read_half_units(tenths(35), Consistency::Strong), 2);
        assert_eq!(read_half_units(10 * KB, Consistency::Strong), 3 * 2);
        assert_eq!(read_half_units(8 * KB, Consistency::Strong), 2 * 2);
        assert_eq!(read_half_units(8 * KB, Consistency::Eventual), 2);
        assert_eq!(read_half_units(8 * KB, Consistency::Transactional), 4 * 2);
    }

    #[test]
    fn read_operation_consumption_page_batch_get_item_rounds_each_item() {
        let batch: u64 =
            [tenths(15), tenths(65)].map(|size| read_half_units(size, Consistency::Strong)).iter().sum();
        assert_eq!(batch, 3 * 2, "12 KB, not 8 KB");
    }

    #[test]
    fn read_operation_consumption_page_query_rounds_the_page() {
        assert_eq!(read_half_units(tenths(408), Consistency::Strong), 11 * 2, "44 KB");
        assert_eq!(read_half_units(1500 * 64, Consistency::Strong), 24 * 2, "96 KB");
    }

    #[test]
    fn gsi_read_capacity_page_example_of_eight_entries_of_2000_bytes() {
        assert_eq!(read_half_units(8 * 2000, Consistency::Eventual), 2 * 2);
    }

    #[test]
    fn read_operation_consumption_page_a_missing_item_is_the_least_read() {
        assert_eq!(read_half_units(0, Consistency::Strong), 2);
        assert_eq!(read_half_units(0, Consistency::Eventual), 1);
    }

    proptest! {
        #[test]
        fn larger_is_never_cheaper_and_stronger_costs_double(bytes in 0_u64..2_000_000, more in 0_u64..10_000) {
            let eventual = read_half_units(bytes, Consistency::Eventual);
            prop_assert!(read_half_units(bytes + more, Consistency::Eventual) >= eventual);
            prop_assert_eq!(read_half_units(bytes, Consistency::Strong), 2 * eventual);
            prop_assert_eq!(read_half_units(bytes, Consistency::Transactional), 4 * eventual);
        }
    }
}
