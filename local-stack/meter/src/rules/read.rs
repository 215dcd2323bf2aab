//! Read request units.

use super::increments;

/// The consistency of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Eventually consistent, the default: half a read request unit for each 4 KB.
    Eventual,
    /// Strongly consistent, `ConsistentRead`: one unit.
    Strong,
    /// `TransactGetItems`: two units.
    Transactional,
}

const INCREMENT: u64 = 4096;

/// The half read request units of a read of `bytes`, rounded up to 4 KB.
///
/// For an item, alone or in a batch, `bytes` is its whole size, even if a projection expression returns only a part. For a
/// page of a Query or Scan, it is the sum of all evaluated items, including those that a filter expression excludes. A
/// missing item or an empty page takes the minimum:
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

    /// The page's examples have fractions such as 40.8 KB.
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
    fn read_operation_consumption_page_a_missing_item_takes_the_minimum() {
        assert_eq!(read_half_units(0, Consistency::Strong), 2);
        assert_eq!(read_half_units(0, Consistency::Eventual), 1);
    }

    proptest! {
        #[test]
        fn a_larger_read_is_never_cheaper_and_a_consistent_one_costs_double(bytes in 0_u64..2_000_000, more in 0_u64..10_000) {
            let eventual = read_half_units(bytes, Consistency::Eventual);
            prop_assert!(read_half_units(bytes + more, Consistency::Eventual) >= eventual);
            prop_assert_eq!(read_half_units(bytes, Consistency::Strong), 2 * eventual);
            prop_assert_eq!(read_half_units(bytes, Consistency::Transactional), 4 * eventual);
        }
    }
}
