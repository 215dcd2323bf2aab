//! Payments: charge an order once, settle it in one transaction, refund what must not stay charged.
//!
//! The rule that makes every crash harmless: an order leaves PENDING by a condition, and whoever finds it ended makes
//! sure that the charge agrees with the end. CONFIRMED keeps its charge; any other end refunds it, or voids it if it has
//! not been made yet. Charging and refunding are idempotent under the order's id, so every step can be repeated.
//!
//! - [`PaymentProcessor::pay`] handles the payments queue, [`PaymentProcessor::fail_order`] its dead-letter queue
//! - [`PaymentProvider`] is who moves the money: [`Stripe`], or [`SimulatedProvider`], which moves none; [`Provider`] is the
//!   one that the environment chooses

mod configured;
mod latency;
mod processor;
mod provider;
mod record;
mod settlement;
mod simulated_provider;
mod stripe;
mod worker;

pub use configured::{NoProvider, Provider, SIMULATOR_KEY};
pub use latency::Latency;
pub use processor::{PaymentOutcome, PaymentProcessor};
pub use provider::{Charge, Charged, PaymentProvider, Refunded, VOIDED};
pub use record::Payments;
pub use simulated_provider::SimulatedProvider;
pub use stripe::{STRIPE_URL, Stripe};
pub use worker::work;

/// What reads bytes from outside, for the fuzz targets in `fuzz/`.
#[doc(hidden)]
pub mod border {
    pub use crate::stripe::{cancelled, charged, refunded};
}
