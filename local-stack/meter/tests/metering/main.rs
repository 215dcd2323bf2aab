//! The proxy before the embedded servers, called by the real SDK.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod errors;
mod fixtures;
mod items;
mod queues;
mod reads;
mod writes;
