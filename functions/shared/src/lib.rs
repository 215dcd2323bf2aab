//! The shared kernel of the shop's functions: what every service needs and none of them owns.
//!
//! - values that are right by construction: [`Money`], [`ProductId`], [`OrderId`], [`Quantity`], [`Timestamp`]
//! - the borders: [`http`] (API Gateway requests to problem+json answers), [`batch`] (SQS and stream records)
//! - the outside world: [`aws`] (the one place that builds SDK clients), [`web`] (what is not AWS), [`transaction`],
//!   [`queue`], [`deadline`] and [`retry`] (every call is bounded), [`config`] (what the environment must hold), [`logging`]
//!
//! Dependencies run one way: shared <- catalog <- orders <- payments.

pub mod aws;
pub mod batch;
pub mod config;
pub mod deadline;
pub mod error;
pub mod http;
mod ids;
pub mod logging;
mod money;
pub mod page;
mod parameter;
pub mod problem;
pub mod queue;
pub mod retry;
mod timestamp;
pub mod transaction;
pub mod web;

pub use deadline::Deadline;
pub use error::Error;
pub use ids::{IdempotencyKey, InvalidId, OrderId, ProductId, Quantity};
pub use money::{Currency, Money, MoneyError};
pub use timestamp::Timestamp;
