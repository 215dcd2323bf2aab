//! The proxy with the embedded servers as upstreams, called by the AWS SDK.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

mod errors;
mod fixtures;
mod items;
mod queues;
mod reads;
mod writes;
