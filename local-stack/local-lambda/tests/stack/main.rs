//! The local stack hosting a template that is no shop: one function that does as its event tells it, on every trigger.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod access_log;
mod async_invocations;
mod authorizers;
mod control_api;
mod cors;
mod endings;
mod environments;
mod faults;
mod harness;
mod http_api;
mod http_event;
mod http_limits;
mod invoke_api;
mod queues;
mod rebuilds;
mod schedules;
mod sqs;
mod stream_filters;
mod streams;
mod web_services;
