//! Tests of the local stack with templates of their own: one function, which carries out the command in its event, on
//! every kind of trigger.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

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
mod http_connections;
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
