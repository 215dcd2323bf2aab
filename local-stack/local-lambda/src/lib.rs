//! The local stack: hosts the functions of a SAM template as AWS does, on one machine and without Docker.
//!
//! It depends on no application, only on the template:
//!
//! - [`code`] finds the code of each function, [`build`] runs cargo to build it, [`rebuild`] replaces environments after
//!   a new build
//! - [`environment`] is an execution environment, a real process with its [`runtime_api`]; [`pool`] starts and reuses
//!   them as Lambda does, within the function's [`concurrency`]
//! - [`http_api`] is API Gateway's HTTP API, [`invoke_api`] Lambda's Invoke, [`event_sources`] are the event source
//!   mappings of queues and streams, and schedules
//! - [`async_invocation`] handles `Event` invocations and schedules, with retries and destinations
//! - [`sqs_server`] is the embedded SQS; the embedded DynamoDB is the crate `embedded-dynamodb`; [`resources`] creates
//!   tables and queues, and [`resource_ids`] has their names and ARNs
//! - [`metering`] counts what calls and invocations would cost on AWS
//! - [`faults`] injects failures that are rare on AWS
//! - [`control_api`] reports the state of functions and queues
//! - [`report`] writes a line for each invocation; [`stack`] starts and stops everything

pub mod access_keys;
pub mod async_invocation;
pub mod aws_account;
pub mod build;
pub mod cli;
pub mod code;
pub mod concurrency;
pub mod control_api;
pub mod environment;
mod error;
pub mod event_sources;
pub mod faults;
pub mod function_config;
pub mod hosted_function;
pub mod http_api;
pub mod invocation;
pub mod invoke_api;
pub mod metering;
pub mod pool;
pub mod ready;
pub mod rebuild;
pub mod report;
pub mod resource_ids;
pub mod resources;
pub mod runtime_api;
mod server;
pub mod sqs_server;
pub mod stack;

pub use error::Error;
pub use stack::Stack;
