//! The usage that a bill prices.

use std::{ops::AddAssign, time::Duration};

use serde::Serialize;

use crate::{call::ApiCall, rules::RequestUnits, service::Service};

/// All usage of an application.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// The usage of functions.
    pub functions: Vec<FunctionUsage>,
    /// The usage of the routes of the HTTP API.
    pub routes: Vec<RouteUsage>,
    /// The usage of Lambda's event pollers.
    pub pollers: Vec<PollerUsage>,
}

/// A processor architecture, by Lambda's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Arm.
    Arm64,
    /// x86, Lambda's default.
    #[default]
    #[serde(rename = "x86_64")]
    X86,
}

/// The usage of one function.
#[derive(Clone, Debug, Default)]
pub struct FunctionUsage {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: Architecture,
    /// `MemorySize`, in MB of 2^20 bytes.
    pub memory_mb: u64,
    /// Invocations, including failed ones.
    pub invocations: u64,
    /// How many of these were cold starts.
    pub cold_starts: u64,
    /// The sum of the invocations' billed durations ([`billed_duration_ms`]), including init: since August 2025 Lambda
    /// bills it for all runtimes (<https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/>).
    pub billed_duration_ms: u64,
    /// The part of `billed_duration_ms` that is init.
    pub init_duration_ms: u64,
    /// Bytes in `CloudWatch` Logs: the function's own lines and Lambda's (`START`, `END`, `REPORT`). AWS bills 26 bytes
    /// more for each event, which the caller may include.
    pub log_bytes: u64,
    /// The request units of its calls to DynamoDB.
    pub units: RequestUnits,
    /// The billed requests of its calls to SQS.
    pub sqs_requests: SqsRequests,
}

/// Billed SQS requests by kind of queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SqsRequests {
    /// To standard queues.
    pub standard: u64,
    /// To FIFO queues.
    pub fifo: u64,
}

/// The two kinds of queue, which have different prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// Standard.
    Standard,
    /// FIFO: its name ends in `.fifo`.
    Fifo,
}

/// The usage of one route.
#[derive(Clone, Debug, Default)]
pub struct RouteUsage {
    /// `GET /products`.
    pub route: String,
    /// The function that it calls, if any.
    pub function: Option<String>,
    /// Requests.
    pub requests: u64,
    /// Billed requests: [`crate::rules::api_gateway_requests`] of each.
    pub metered_requests: u64,
}

/// The usage of Lambda's event pollers for one queue. AWS bills their calls like any other:
/// <https://aws.amazon.com/lambda/pricing/>
#[derive(Clone, Debug)]
pub struct PollerUsage {
    /// The queue's name.
    pub queue: String,
    /// Billed receives, including empty ones, and deletes.
    pub requests: u64,
}

/// The billed duration: rounded up to a whole millisecond.
/// <https://aws.amazon.com/lambda/pricing/>
#[must_use]
pub fn billed_duration_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl FunctionUsage {
    /// Adds the billed usage of one of its API calls.
    pub fn add_call(&mut self, call: &ApiCall) {
        self.units += call.units;
        if call.service == Service::Sqs {
            let queue = call.resources.first().map_or("", String::as_str);
            self.sqs_requests += SqsRequests::to(queue, call.sqs_requests);
        }
    }
}

impl SqsRequests {
    /// Requests to a queue of this name.
    #[must_use]
    pub fn to(queue: &str, requests: u64) -> Self {
        match QueueKind::of(queue) {
            QueueKind::Standard => Self { standard: requests, fifo: 0 },
            QueueKind::Fifo => Self { standard: 0, fifo: requests },
        }
    }

    /// Requests to queues of both kinds.
    #[must_use]
    pub fn count(self) -> u64 {
        self.standard + self.fifo
    }
}

impl AddAssign for SqsRequests {
    fn add_assign(&mut self, other: Self) {
        self.standard += other.standard;
        self.fifo += other.fifo;
    }
}

impl QueueKind {
    /// The kind of a queue, by its name.
    #[must_use]
    pub fn of(queue: &str) -> Self {
        if queue.rsplit_once('.').is_some_and(|(_, end)| end == "fifo") { Self::Fifo } else { Self::Standard }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_pricing_page_time_is_rounded_up_to_the_millisecond() {
        assert_eq!(billed_duration_ms(Duration::from_micros(1_000_100)), 1001);
        assert_eq!(billed_duration_ms(Duration::from_millis(1000)), 1000);
        assert_eq!(billed_duration_ms(Duration::from_nanos(1)), 1);
        assert_eq!(billed_duration_ms(Duration::ZERO), 0);
    }

    #[test]
    fn the_name_of_a_queue_determines_its_kind() {
        assert_eq!(SqsRequests::to("jobs.fifo", 2), SqsRequests { standard: 0, fifo: 2 });
        assert_eq!(SqsRequests::to("jobs", 2), SqsRequests { standard: 2, fifo: 0 });
        assert_eq!(QueueKind::of("fifo"), QueueKind::Standard);
    }
}
