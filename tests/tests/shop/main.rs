//! The black-box suite: one stack for each test, HTTP in front, the tables behind.
//!
//! One binary, so that it is linked once; a module for each part of the shop.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod bad_input;
mod bill;
mod cancel;
mod conformance;
mod contention;
mod crashes;
mod documents;
mod fixtures;
mod lifecycle;
mod monitoring;
mod observability;
mod orders;
mod outages;
mod payments;
mod policies;
mod products;
mod provider;
mod round_trips;
mod router;
mod saga;
mod throttles;
