//! AWS's metering rules: how many units an action is billed as.
//!
//! DynamoDB's rules are those of
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>. Where that page is
//! silent or contradicts another, the function says what was taken and from where.

mod number;
mod read;
mod requests;
mod size;
mod write;

use std::ops::AddAssign;

use serde::Serialize;

pub use read::{Consistency, read_half_units};
pub use requests::{api_gateway_requests, sqs_requests};
pub use size::{Item, item_size};
#[doc(hidden)]
pub use size::{key_text, same_item};
pub use write::{Mode, failed_write_units, replay_half_units, write_units};

/// DynamoDB read and write request units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Units {
    /// Read units in halves, because an eventually consistent read of up to 4 KB is half a unit.
    pub read_half_units: u64,
    /// Write units.
    pub write_units: u64,
}

impl Units {
    /// Only reads, in halves of a unit.
    #[must_use]
    pub fn reads(half_units: u64) -> Self {
        Self { read_half_units: half_units, write_units: 0 }
    }

    /// Only writes.
    #[must_use]
    pub fn writes(units: u64) -> Self {
        Self { read_half_units: 0, write_units: units }
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.read_half_units += other.read_half_units;
        self.write_units += other.write_units;
    }
}

impl std::iter::Sum for Units {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, units| {
            sum += units;
            sum
        })
    }
}

/// Steps of `step` bytes that `bytes` take, at least one: no action is free.
fn steps(bytes: u64, step: u64) -> u64 {
    bytes.div_ceil(step).max(1)
}
