//! The local stack: hosts the functions of a SAM template as AWS does, on one machine and without Docker.
//!
//! It knows template.yaml and Lambda, and nothing of the shop:
//!
//! - [`build`] has cargo build the binaries that the template names, [`rebuild`] puts new builds in place of old ones
//! - [`environment`] is one execution environment: a real process and its [`runtime_api`]; [`pool`] reuses and starts
//!   them as Lambda does, within the function's [`concurrency`]
//! - [`http_api`] is API Gateway's HTTP API, [`invoke_api`] Lambda's Invoke, [`event_sources`] what polls queues,
//!   streams and the clock
//! - [`async_invocation`] is what `Event` invocations and schedules wait in, with its retries and destinations
//! - [`sqs_server`] and [`queues`] are SQS; the DynamoDB is the crate `embedded-dynamodb`
//! - [`metering`] counts what all of it would be billed as
//! - [`faults`] does to functions what AWS does once in a while
//! - [`control_api`] tells how functions and queues stand
//! - [`report`] writes a line for each invocation; [`stack`] puts it all together and takes it apart again

pub mod access_keys;
pub mod async_invocation;
pub mod aws_clients;
pub mod build;
pub mod cli;
pub mod concurrency;
pub mod control_api;
pub mod environment;
mod error;
pub mod event_sources;
pub mod faults;
pub mod http_api;
pub mod invocation;
pub mod invoke_api;
pub mod metering;
pub mod pool;
pub mod queues;
pub mod ready;
pub mod rebuild;
pub mod report;
pub mod resource_ids;
pub mod runtime_api;
mod server;
pub mod sqs_server;
pub mod stack;

pub use error::Error;
pub use stack::Stack;
