//! One number decides a history and, with those of its batch, what goes wrong while it runs.

use std::{env, fmt};

use proptest::{
    strategy::{BoxedStrategy, Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    history::{self, History},
    plan::{self, Plan},
};

/// Histories that run at once on one stack, under one plan of faults.
pub(crate) const BATCH: u64 = 25;
/// One batch in so many has the payments that take seconds.
const SLOW: u64 = 8;

/// Names a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    pub(crate) fn batch(self) -> u64 {
        self.0 / BATCH
    }

    /// Its history, as a tree that can be shrunk.
    pub(crate) fn history(self) -> Box<dyn ValueTree<Value = History>> {
        let slow = self.batch().is_multiple_of(SLOW);
        tree(self.0, 0, &history::histories(slow).boxed())
    }

    /// The plan of its batch.
    pub(crate) fn plan(self) -> Box<dyn ValueTree<Value = Plan>> {
        tree(self.batch(), 1, &plan::plans().boxed())
    }
}

fn tree<T: fmt::Debug + 'static>(
    number: u64,
    kind: u8,
    strategy: &BoxedStrategy<T>,
) -> Box<dyn ValueTree<Value = T>> {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    strategy.new_tree(&mut TestRunner::new_with_rng(Config::default(), random)).unwrap()
}

/// `FARTHING_SEED` and `FARTHING_HISTORIES`: the first seed, and how many.
pub(crate) fn asked_for() -> std::ops::Range<u64> {
    let number = |name: &str, default: u64| {
        env::var(name).map_or(default, |text| {
            text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a whole number"))
        })
    };
    let first = number("FARTHING_SEED", 0);
    first..first + number("FARTHING_HISTORIES", 100)
}

#[test]
fn a_seed_is_always_the_same_history_and_shares_its_plan_with_its_batch() {
    let histories: Vec<_> = (0..BATCH).map(|number| Seed(number).history().current()).collect();
    let again: Vec<_> = (0..BATCH).map(|number| Seed(number).history().current()).collect();
    assert_eq!(histories, again);
    assert!(histories.iter().any(|history| *history != histories[0]));
    let plans: Vec<_> = (0..BATCH * 4).map(|number| Seed(number).plan().current()).collect();
    assert!(plans[..25].iter().all(|plan| *plan == plans[0]));
    assert!(plans.iter().any(|plan| *plan != plans[0]));
}
