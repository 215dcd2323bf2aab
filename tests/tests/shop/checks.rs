//! What holds code, template, events and documents together.

mod bill;
mod conformance;
mod documents;
mod endpoints;
mod fixtures;
mod lifecycle;
mod monitoring;
mod policies;
mod round_trips;
mod throttles;
