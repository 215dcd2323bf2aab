//! Payments: charge an order once, settle it in one transaction, and refund what must not stay charged.
//!
//! One rule makes every crash harmless: an order leaves PENDING by a conditional write, and a function that finds it ended
//! reconciles the charge with the order's status. A CONFIRMED order keeps its charge; otherwise the charge is refunded, or
//! voided if it has not happened yet. An order has one payment intent, and every step on it can be repeated. [`saga`] lists
//! the steps.
//!
//! - [`PaymentProcessor::pay`] handles the payments queue, [`PaymentProcessor::give_up_if_old`] its dead-letter queue.
//! - [`PaymentProvider`] moves the money: [`Stripe`], or [`SimulatedProvider`], which moves none. [`Provider`] is the one
//!   that the environment selects.

mod configured_provider;
mod latency;
mod messages;
mod pacer;
mod processor;
mod provider;
mod record;
pub mod saga;
mod settlement;
mod simulated_provider;
mod stripe;
mod test_cards;

pub use configured_provider::{Provider, ProviderConfigError, SIMULATOR_KEY};
pub use latency::Latency;
pub use messages::{PaymentsQueue, process_messages};
pub use pacer::Pacer;
pub use processor::{PaymentOutcome, PaymentProcessor};
pub use provider::{Charge, Charged, Created, PaymentProvider, Refunded, VOIDED, Voided};
pub use record::Payments;
pub use simulated_provider::SimulatedProvider;
pub use stripe::{STRIPE_URL, Stripe, charged, created, refunded, voided};
pub use test_cards::TestCard;
