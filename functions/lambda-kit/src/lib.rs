//! What every Lambda function of the shop needs, and no service owns.
//!
//! - Events that functions receive: [`http`] (API Gateway requests), [`batch`] (SQS and stream records), [`page`] (limits
//!   and cursors of lists). [`json`] reads what they hold.
//! - Calls that functions make: [`aws`] (the one place that builds SDK clients), [`transaction`], [`queue`],
//!   [`http_client`] (servers outside AWS). A [`Deadline`] limits the time of each call, [`retry`] the number of attempts.
//! - For both: [`config`] (environment variables), [`logging`], [`Error`], [`Secret`], [`RotatedSecret`].

pub mod aws;
pub mod batch;
pub mod conditional;
pub mod config;
pub mod deadline;
pub mod error;
pub mod http;
pub mod http_client;
pub mod json;
pub mod logging;
pub mod page;
mod parameter;
pub mod queue;
pub mod retry;
mod rotated_secret;
mod secret;
pub mod transaction;

pub use deadline::Deadline;
pub use error::Error;
pub use rotated_secret::RotatedSecret;
pub use secret::Secret;
