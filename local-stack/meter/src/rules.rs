//! AWS's metering rules: what an API request is billed as.
//!
//! DynamoDB's rules are those of
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>. Where that page is
//! silent or contradicts another, the function says which rule it applies and where the rule comes from.

mod read;
mod requests;
mod write;

use std::ops::AddAssign;

use serde::Serialize;

pub use read::{Consistency, read_half_units};
pub use requests::{api_gateway_requests, sqs_requests};
pub use write::{WriteMode, failed_write_units, replay_half_units, write_units};

/// DynamoDB read and write request units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestUnits {
    /// Halves of read request units, because an eventually consistent read of up to 4 KB takes half a unit.
    pub read_half_units: u64,
    /// Write request units.
    pub write_units: u64,
}

impl RequestUnits {
    /// Reads only.
    #[must_use]
    pub fn reads(half_units: u64) -> Self {
        Self { read_half_units: half_units, write_units: 0 }
    }

    /// Writes only.
    #[must_use]
    pub fn writes(units: u64) -> Self {
        Self { read_half_units: 0, write_units: units }
    }
}

impl AddAssign for RequestUnits {
    fn add_assign(&mut self, other: Self) {
        self.read_half_units += other.read_half_units;
        self.write_units += other.write_units;
    }
}

/// How many increments of so many bytes `bytes` take. At least one: AWS bills every request.
fn increments(bytes: u64, increment: u64) -> u64 {
    bytes.div_ceil(increment).max(1)
}
