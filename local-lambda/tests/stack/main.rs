//! The local stack hosting a template that is no shop: one function that does as its event tells it, on every trigger.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod async_invocations;
mod environments;
mod harness;
mod queues;
mod schedules;
mod sqs;
mod stream_filters;
mod streams;
