//! Makes a history that fails smaller for as long as it still fails.
//!
//! proptest generates the histories, and its value trees know what is simpler: fewer steps, fewer pieces, simpler
//! tokens, no faults. Its runner is not used, as it runs one case at a time, and a case here mostly waits.

use std::{
    collections::HashSet,
    fmt::Debug,
    time::{Duration, Instant},
};

use proptest::strategy::ValueTree;

use crate::{batch::TestStack, history::History, plan::Plan, seed::Seed};

/// A failure may need luck: each candidate runs so often, all at once.
const COPIES: usize = 4;
const CANDIDATES: usize = 80;
const WITHIN: Duration = Duration::from_secs(150);

/// What is left of a history that failed.
#[derive(Debug)]
pub(crate) struct Smallest {
    pub(crate) history: History,
    pub(crate) plan: Plan,
    pub(crate) why: String,
    pub(crate) candidates: usize,
}

struct Shrinking<'a> {
    stack: &'a TestStack<'a>,
    chance: u64,
    until: Instant,
    candidates: usize,
    passed: HashSet<(History, Plan)>,
    smallest: Option<Smallest>,
}

/// Runs a history alone, and smaller ones if it fails again. Nothing, if it does not.
pub(crate) async fn shrink(stack: &TestStack<'_>, seed: Seed) -> Option<Smallest> {
    let (mut history, mut plan) = (seed.history(), seed.plan());
    let mut shrinking = Shrinking {
        stack,
        chance: seed.batch(),
        until: Instant::now() + WITHIN,
        candidates: 0,
        passed: HashSet::new(),
        smallest: None,
    };
    if !shrinking.fails(&history.current(), &plan.current()).await {
        return None;
    }
    let calm = Plan::default();
    if shrinking.fails(&history.current(), &calm).await {
        shrinking.descend(&mut history, |history| (history, calm.clone())).await;
    } else {
        let whole = history.current();
        shrinking.descend(&mut plan, |plan| (whole.clone(), plan)).await;
        let plan = shrinking.smallest.as_ref()?.plan.clone();
        shrinking.descend(&mut history, |history| (history, plan.clone())).await;
    }
    let candidates = shrinking.candidates;
    shrinking.smallest.map(|smallest| Smallest { candidates, ..smallest })
}

impl Shrinking<'_> {
    /// Follows a tree to the simplest value that fails: proptest's own loop.
    async fn descend<T: Debug>(
        &mut self,
        tree: &mut Box<dyn ValueTree<Value = T>>,
        case: impl Fn(T) -> (History, Plan),
    ) {
        while tree.simplify() {
            loop {
                if self.candidates >= CANDIDATES || Instant::now() >= self.until {
                    return;
                }
                let (history, plan) = case(tree.current());
                if self.fails(&history, &plan).await || !tree.complicate() {
                    break;
                }
            }
        }
    }

    async fn fails(&mut self, history: &History, plan: &Plan) -> bool {
        let same = |smallest: &Smallest| smallest.history == *history && smallest.plan == *plan;
        if self.smallest.as_ref().is_some_and(same) {
            return true;
        }
        if self.passed.contains(&(history.clone(), plan.clone())) {
            return false;
        }
        self.candidates += 1;
        let copies = vec![history.clone(); COPIES];
        let results = self.stack.run(&copies, plan, self.chance).await;
        let Some(why) = results.into_iter().find_map(Result::err) else {
            self.passed.insert((history.clone(), plan.clone()));
            return false;
        };
        self.smallest =
            Some(Smallest { history: history.clone(), plan: plan.clone(), why, candidates: self.candidates });
        true
    }
}
