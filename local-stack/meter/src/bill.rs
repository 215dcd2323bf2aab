//! Prices usage: what functions, routes and queue pollers did, by function, by route and in total.
//!
//! Priced are Lambda's requests and GB-seconds, API Gateway's HTTP API requests, DynamoDB on-demand units, SQS requests
//! and the log bytes that `CloudWatch` takes in. Nothing else is: no free tier, data transfer, storage, backups or
//! alarms. Records that Lambda reads from a DynamoDB stream for a trigger are free:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CostOptimization_StreamsUsage.html>

mod price;
mod text;
mod usage;

use std::fmt;

use serde::{Serialize, Serializer};

pub use price::price;
pub use usage::{
    Architecture, FunctionUsage, PollerUsage, QueueKind, RouteUsage, SqsRequests, Usage, billed_duration_ms,
};

use crate::{prices::Amount, rules::RequestUnits};

/// A priced bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// Whose prices these are.
    pub region: String,
    /// The day on which the prices were collected.
    pub prices_as_of: String,
    /// What functions cost, their calls included.
    pub functions: Vec<FunctionBill>,
    /// What requests to each route cost: another cut of the same money.
    pub routes: Vec<RouteBill>,
    /// What Lambda's pollers of queues cost.
    pub pollers: Vec<PollerBill>,
    /// All of it.
    pub total: Totals,
}

/// What one function costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionBill {
    /// Its name.
    pub name: String,
    /// Its processor, on which `compute`, `cold_start` and `total` rest.
    pub architecture: Architecture,
    /// How often it ran.
    pub invocations: u64,
    /// How many of these began in a new environment.
    pub cold_starts: u64,
    /// Memory times billed time, init included.
    pub gb_seconds: GbSeconds,
    /// What it read and wrote.
    pub units: RequestUnits,
    /// What it sent to queues.
    pub sqs_requests: u64,
    /// What it logged.
    pub log_bytes: u64,
    /// Lambda requests.
    pub requests: Amount,
    /// GB-seconds on the function's own processor.
    pub compute: Amount,
    /// The same GB-seconds on Arm.
    pub compute_arm64: Amount,
    /// The same GB-seconds on x86.
    pub compute_x86_64: Amount,
    /// The part of `compute` that is init.
    pub cold_start: Amount,
    /// Read and write units.
    pub dynamodb: Amount,
    /// SQS requests.
    pub sqs: Amount,
    /// Log bytes.
    pub logs: Amount,
    /// `requests`, `compute`, `dynamodb`, `sqs` and `logs`.
    pub total: Amount,
}

/// What requests to one route cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteBill {
    /// `GET /products`.
    pub route: String,
    /// Requests that came in.
    pub requests: u64,
    /// The requests as API Gateway bills them.
    pub api: Amount,
    /// The function's cost by its number of invocations: of a function that only this route calls, all of it.
    pub function: Amount,
    /// Both.
    pub total: Amount,
    /// `total` for one request, on average.
    pub per_request: Amount,
}

/// What Lambda's pollers of one queue cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PollerBill {
    /// The queue's name.
    pub queue: String,
    /// Receives, empty ones included, and deletes.
    pub requests: u64,
    /// Their price.
    pub total: Amount,
}

/// Sums over a bill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Lambda requests.
    pub requests: Amount,
    /// GB-seconds on the functions' own processors.
    pub compute: Amount,
    /// The part of `compute` that is init.
    pub cold_start: Amount,
    /// HTTP API requests.
    pub api: Amount,
    /// Read and write units.
    pub dynamodb: Amount,
    /// SQS requests of functions.
    pub sqs: Amount,
    /// SQS requests of pollers.
    pub polling: Amount,
    /// Log bytes.
    pub logs: Amount,
    /// The bill: all of these but `cold_start`, which is in `compute`.
    pub total: Amount,
    /// The bill if all functions ran on Arm.
    pub total_arm64: Amount,
    /// The bill if all functions ran on x86.
    pub total_x86_64: Amount,
}

/// What one kind of work costs: a bill divided by its units of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnitOfWorkBill {
    /// The name of a unit of work: `order`.
    pub name: String,
    /// What a unit costs.
    pub price: PerUnitOfWork,
}

/// A bill divided by a number of units of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PerUnitOfWork {
    /// The number of units of work.
    pub units: u64,
    /// The price of one, rounded to a picodollar.
    pub one: Amount,
    /// The price of a million, rounded from the bill and not from `one`.
    pub million: Amount,
}

/// Memory times time. Shown and serialised in GB-seconds with six decimals: `"0.012500"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GbSeconds {
    /// Megabytes times milliseconds, which are whole.
    pub mb_ms: u64,
}

impl Bill {
    /// The whole bill for one unit of work and for a million; none if no work was done.
    #[must_use]
    pub fn per_unit_of_work(&self, name: &str, units: u64) -> Option<UnitOfWorkBill> {
        (units > 0).then(|| UnitOfWorkBill {
            name: name.to_owned(),
            price: PerUnitOfWork {
                units,
                one: self.total.total.fraction(1, units),
                million: self.total.total.fraction(1_000_000, units),
            },
        })
    }
}

impl GbSeconds {
    /// One GB-second: a GB is 1024 MB.
    const ONE: u64 = 1024 * 1000;

    /// This at a price for one GB-second.
    fn at(self, price: Amount) -> Amount {
        price.fraction(self.mb_ms, Self::ONE)
    }
}

impl fmt::Display for GbSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millionths =
            (u128::from(self.mb_ms) * 1_000_000 + u128::from(Self::ONE / 2)) / u128::from(Self::ONE);
        f.pad(&format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000))
    }
}

impl Serialize for GbSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
