//! Meters the API calls of an application by AWS's published rules, and prices them from AWS's list prices.
//!
//! - [`Proxy`] forwards requests to DynamoDB, SQS or another HTTP API, and reports for each who sent it and what AWS
//!   would bill for it
//! - [`rules`] are the metering rules of DynamoDB, SQS and API Gateway, one function each, with the page that each comes from
//! - [`item`] measures DynamoDB items
//! - [`prices`] are dated list prices by region, in whole picodollars
//! - [`bill`] prices the usage of functions, routes and queues, and divides the bill by units of work
//!
//! The crate knows AWS and no application. It does not use the `ConsumedCapacity` that an emulator returns: emulators
//! differ in it from AWS and from each other. `PartiQL` is not metered, and neither is what AWS bills by time instead of
//! by request (storage, backups).

pub mod bill;
mod call;
mod dynamodb;
pub mod item;
mod permission;
pub mod prices;
mod proxy;
pub mod rules;
mod service;
mod sqs;
mod tables;
mod upstream;

pub use call::{ApiCall, MeteringGap};
pub use permission::Permission;
pub use proxy::{
    BoxFuture, CallInterceptor, InterceptedCall, Proxy, ProxyError, RequestAction, ResponseAction,
};
pub use service::Service;
pub use tables::{Index, Key, Projection, Table, Tables};
pub use upstream::{InvalidEndpoint, Upstream};

/// The parsers of requests, for the fuzz targets in `fuzz/`.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::{dynamodb::written_items, permission::required};
}
