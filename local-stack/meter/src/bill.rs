//! Prices usage by function, by route, by event poller and in total.
//!
//! The bill contains Lambda's requests and GB-seconds, API Gateway's HTTP API requests, DynamoDB's on-demand request
//! units, SQS's API requests and the log bytes that `CloudWatch` ingests. It does not contain the free tier, data transfer,
//! storage, backups or alarms. Lambda's reads of a DynamoDB stream for a trigger are free:
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

/// A bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// The region of the prices.
    pub region: String,
    /// The date on which the prices were collected.
    pub prices_as_of: String,
    /// The cost of each function, including its API calls.
    pub functions: Vec<FunctionBill>,
    /// The cost of each route. It contains the cost of the route's function a second time.
    pub routes: Vec<RouteBill>,
    /// The cost of Lambda's event pollers.
    pub pollers: Vec<PollerBill>,
    /// The sums.
    pub total: Totals,
}

/// The cost of one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionBill {
    /// Its name.
    pub name: String,
    /// Its architecture, which determines `compute`, `cold_start` and `total`.
    pub architecture: Architecture,
    /// The number of invocations.
    pub invocations: u64,
    /// How many of these were cold starts.
    pub cold_starts: u64,
    /// Memory times billed duration, including init.
    pub gb_seconds: GbSeconds,
    /// The request units of its reads and writes.
    pub units: RequestUnits,
    /// Its API requests to SQS.
    pub sqs_requests: u64,
    /// The bytes of its logs.
    pub log_bytes: u64,
    /// Lambda requests.
    pub requests: Amount,
    /// GB-seconds on the function's own architecture.
    pub compute: Amount,
    /// The same GB-seconds on Arm.
    pub compute_arm64: Amount,
    /// The same GB-seconds on x86.
    pub compute_x86_64: Amount,
    /// The part of `compute` that is init.
    pub cold_start: Amount,
    /// Read and write request units.
    pub dynamodb: Amount,
    /// SQS requests.
    pub sqs: Amount,
    /// Log bytes.
    pub logs: Amount,
    /// `requests`, `compute`, `dynamodb`, `sqs` and `logs`.
    pub total: Amount,
}

/// The cost of one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteBill {
    /// `GET /products`.
    pub route: String,
    /// The number of requests.
    pub requests: u64,
    /// The requests as API Gateway bills them.
    pub api: Amount,
    /// The route's part of the function's cost, by its part of the invocations.
    pub function: Amount,
    /// Both.
    pub total: Amount,
    /// `total` for one request, on average.
    pub per_request: Amount,
}

/// The cost of Lambda's event pollers for one queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PollerBill {
    /// The queue's name.
    pub queue: String,
    /// Receives, including empty ones, and deletes.
    pub requests: u64,
    /// Their price.
    pub total: Amount,
}

/// The sums of a bill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Lambda requests.
    pub requests: Amount,
    /// GB-seconds on the functions' own architectures.
    pub compute: Amount,
    /// The part of `compute` that is init.
    pub cold_start: Amount,
    /// HTTP API requests.
    pub api: Amount,
    /// Read and write request units.
    pub dynamodb: Amount,
    /// API requests of functions to SQS.
    pub sqs: Amount,
    /// API requests of event pollers to SQS.
    pub polling: Amount,
    /// Log bytes.
    pub logs: Amount,
    /// The sum of all of these except `cold_start`, which is part of `compute`.
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

/// Memory times time. Displayed and serialized in GB-seconds with six decimals: `"0.012500"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GbSeconds {
    /// Megabytes times milliseconds, both whole numbers.
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

    /// The price of this, given the price of one GB-second.
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
