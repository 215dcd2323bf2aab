//! Random histories against a model: orders, replays, cancellations, faults and crashes, all at once.
//!
//! A number decides each history and, with its batch, what goes wrong meanwhile. `FARTHING_SEED` is the first one (0),
//! `FARTHING_HISTORIES` how many there are (100). A batch of histories shares a stack and a plan of faults; each has a
//! customer and products of its own, so what the model expects of it is exact, and it is compared with its part of the
//! tables. What fails is run again alone and made smaller.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

mod act;
mod batch;
mod end;
mod history;
mod model;
mod plan;
mod responses;
mod seed;
mod shrink;
mod tally;
mod trace;

use std::{
    collections::BTreeMap,
    io::Write,
    sync::Mutex,
    time::{Duration, Instant},
};

use e2e::needs;
use futures_util::future::join_all;
use seed::Seed;

use crate::{
    batch::{KILLED, STRUCK, TestStack, UNAVAILABLE},
    shrink::shrink,
    tally::Tally,
};

/// While orders of one batch wait for their end, another one needs the processors.
const STAGES: usize = 4;
/// A single history is run so often, all at once: that it failed before may have been a matter of time.
const ALONE: u64 = 8;
/// In so many histories, whatever the machine's speed, each kind of refusal happens, ...
const MANY: u64 = 100;
/// ... and in so many, everything.
const VERY_MANY: u64 = 1000;

/// A history that failed.
#[derive(Debug)]
struct Failure {
    seed: Seed,
    why: String,
}

/// Runs batches until there are none, or one has failed.
async fn work(
    stack: &TestStack<'_>,
    batches: &Mutex<BTreeMap<u64, Vec<Seed>>>,
    failures: &Mutex<Vec<Failure>>,
) {
    loop {
        let next = batches.lock().unwrap().pop_first();
        let Some((batch, seeds)) = next.filter(|_| failures.lock().unwrap().is_empty()) else { return };
        let histories: Vec<_> = seeds.iter().map(|seed| seed.history().current()).collect();
        let results = stack.run(&histories, &seeds[0].plan().current(), batch).await;
        let failed = seeds.into_iter().zip(results).filter_map(|(seed, result)| {
            let why = result.err()?;
            Some(Failure { seed, why })
        });
        failures.lock().unwrap().extend(failed);
    }
}

/// Says something at once: libtest keeps what a test prints to itself unless it fails.
fn say(text: &str) {
    std::io::stderr().lock().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// What is known of a failure, and how to see it again.
async fn report(stack: &TestStack<'_>, failure: &Failure) -> String {
    let Failure { seed, why } = failure;
    let (history, plan) = (seed.history().current(), seed.plan().current());
    let again = "cargo test --workspace --test histories";
    let mut text = format!(
        "history {} failed: {why}\n{history}  with {plan}\nagain: FARTHING_SEED={} FARTHING_HISTORIES=1 {again}\n",
        seed.0, seed.0
    );
    say(&text);
    text += &match shrink(stack, *seed).await {
        Some(smallest) => format!(
            "the smallest of {} that were tried and still fails: {}\n{}  with {}\n",
            smallest.candidates, smallest.why, smallest.history, smallest.plan
        ),
        None => format!(
            "alone it does not fail. With its batch: FARTHING_SEED={} FARTHING_HISTORIES={} {again}\n",
            seed.batch() * seed::BATCH,
            seed::BATCH
        ),
    };
    text
}

#[tokio::test]
async fn whatever_happens_the_shop_does_what_it_may() {
    needs!(OwnStack, ControlPort, Tables, Queues);
    let seeds = seed::asked_for();
    let (first, count) = (seeds.start, seeds.end - seeds.start);
    let mut batches: BTreeMap<u64, Vec<Seed>> = BTreeMap::new();
    for seed in seeds.map(Seed) {
        let copies = if count == 1 { ALONE } else { 1 };
        batches.entry(seed.batch()).or_default().extend((0..copies).map(|_| seed));
    }
    let tally = Tally::default();
    let stages = STAGES.min(batches.len());
    let (batches, failures) = (Mutex::new(batches), Mutex::new(Vec::new()));
    let started = Instant::now();
    let stages = join_all((0..stages).map(|_| async {
        let stack = TestStack::start(&tally).await;
        work(&stack, &batches, &failures).await;
        stack.close().await;
        stack
    }))
    .await;
    let took = Duration::from_secs(started.elapsed().as_secs());
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|failure| failure.seed.history().current().effort());
    let Some(shortest) = failures.first() else {
        say(&format!(
            "{count} histories from seed {first} in {took:?}: all as they may be\nthey met: {tally}"
        ));
        let common = ["POST /orders 409", "POST /orders 422", "PAYMENT_FAILED"].map(|what| (what, MANY));
        let rare = [
            STRUCK,
            KILLED,
            "cancel 409",
            "REFUND_REFUSED",
            "provider rate_limited",
            "provider unauthorized",
            "provider failed",
        ];
        let rare = rare.map(|what| (what, VERY_MANY));
        let due = common.into_iter().chain(rare).filter(|(_, among)| count >= *among);
        let missing: Vec<_> = due.filter(|(what, _)| tally.of(what) == 0).collect();
        assert!(missing.is_empty(), "so many histories, and none met {missing:?}");
        // A machine that stands still for some seconds is one thing, a shop that is often away is another.
        assert!(tally.of(UNAVAILABLE) <= count, "the shop was unavailable, and nothing made it so: {tally}");
        return;
    };
    let all: Vec<_> = failures.iter().map(|failure| failure.seed.0).collect();
    let text = report(&stages[0], shortest).await;
    // Stacks that go in a panic print their logs, which are long and of all histories.
    drop(stages);
    panic!("{count} histories from seed {first}: after {took:?} these failed: {all:?}\n{text}");
}
