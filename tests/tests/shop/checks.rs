//! What holds code, template, events and documents together.

mod bill;
mod conformance;
mod deploy_role;
mod documents;
mod endpoints;
mod fixtures;
mod input;
mod lifecycle;
mod monitoring;
mod policies;
mod ports;
mod round_trips;
mod throttles;
mod workflows;
