//! What every Lambda function of the shop needs, and no service owns.
//!
//! - what comes in: [`http`] (API Gateway requests to problem+json answers), [`batch`] (SQS and stream records), [`page`]
//!   (limits and cursors of lists)
//! - what goes out: [`aws`] (the one place that builds SDK clients), [`transaction`], [`queue`], [`web`] (servers that are
//!   not AWS's); every call is bounded by a [`Deadline`], every retry by [`retry`]
//! - around both: [`config`] (what the environment must hold), [`logging`], [`Error`]

pub mod aws;
pub mod batch;
pub mod config;
pub mod deadline;
pub mod error;
pub mod http;
pub mod logging;
pub mod page;
mod parameter;
pub mod queue;
pub mod retry;
pub mod transaction;
pub mod web;

pub use deadline::Deadline;
pub use error::Error;
