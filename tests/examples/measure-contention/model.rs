//! A model of clients that compete for one product, where a measurement would need a machine for each: a transaction
//! holds its item for as long as its round trip takes; one that meets it is cancelled when its own round trip is over,
//! and tried again as `lambda_kit::transaction` does. It knows nothing of a partition's 1,000 write units a second.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::ms;

/// One round trip of a transaction. A guess: nobody has measured it on AWS here.
const ROUND_TRIP: Duration = Duration::from_millis(10);
/// All clients come within this time.
const RUSH: Duration = Duration::from_secs(1);
/// These four as in `lambda_kit::retry`, and in `orders::place_order` for an order with one line.
const FIRST_CEILING: Duration = Duration::from_millis(20);
const LARGEST_CEILING: Duration = Duration::from_millis(640);
const RETRIES: u32 = 50;
const CONFLICTS_FOR: Duration = Duration::from_secs(3);
/// Until there was such a limit: what create-order has for its work.
const TIMEOUT: Duration = Duration::from_millis(9_700);
/// Each row is the mean of so many.
const RUNS: u64 = 20;

/// What became of the orders.
#[derive(Default)]
struct Tally {
    made: u32,
    refused: u32,
    conflicts: u32,
    /// From the first client's coming to the last sale, over all runs.
    selling: Duration,
    times: Vec<Duration>,
}

struct Client {
    began: Duration,
    retries: u32,
    ceiling: Duration,
}

/// Prints a table: each client orders one piece.
pub(crate) fn print() {
    println!("Model: {ROUND_TRIP:?} for a transaction, each client one order, all of them within {RUSH:?}.");
    println!();
    println!(
        "| clients | items of the stock | conflicts retried for | sold/s | conflicts per order | 503 | p50 ms | p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for clients in [16, 64, 200, 500, 1000, 2000] {
        for (items, conflicts_for) in [(1, TIMEOUT), (1, CONFLICTS_FOR), (8, CONFLICTS_FOR)] {
            row(clients, items, conflicts_for);
        }
    }
}

fn row(clients: u32, items: usize, conflicts_for: Duration) {
    let mut tally = Tally::default();
    for seed in 0..RUNS {
        run(&mut tally, clients, items, conflicts_for, seed);
    }
    tally.times.sort();
    let (orders, count) = (f64::from(tally.made + tally.refused), tally.times.len());
    println!(
        "| {clients} | {items} | {conflicts_for:?} | {:.0} | {:.2} | {:.1} % | {:.0} | {:.0} |",
        f64::from(tally.made) / tally.selling.as_secs_f64(),
        f64::from(tally.conflicts) / orders,
        100.0 * f64::from(tally.refused) / orders,
        ms(tally.times[count / 2]),
        ms(tally.times[count * 99 / 100]),
    );
}

fn run(tally: &mut Tally, clients: u32, items: usize, conflicts_for: Duration, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut held_until = vec![Duration::ZERO; items];
    let client = |began| Client { began, retries: RETRIES, ceiling: FIRST_CEILING };
    let mut people: Vec<_> = (0..clients).map(|_| client(RUSH.mul_f64(random.f64()))).collect();
    let mut attempts: BinaryHeap<_> =
        people.iter().enumerate().map(|(number, client)| Reverse((client.began, number))).collect();
    let mut last_sale = Duration::ZERO;
    while let Some(Reverse((now, number))) = attempts.pop() {
        let (item, client) = (random.usize(0..items), &mut people[number]);
        let answered = now + ROUND_TRIP;
        if held_until[item] <= now {
            held_until[item] = answered;
            last_sale = last_sale.max(answered);
            tally.made += 1;
            tally.times.push(answered - client.began);
            continue;
        }
        tally.conflicts += 1;
        let again = answered + client.ceiling.mul_f64(random.f64());
        if client.retries == 0 || again >= client.began + conflicts_for {
            tally.refused += 1;
            tally.times.push(answered - client.began);
            continue;
        }
        client.retries -= 1;
        client.ceiling = (client.ceiling * 2).min(LARGEST_CEILING);
        attempts.push(Reverse((again, number)));
    }
    tally.selling += last_sale;
}
