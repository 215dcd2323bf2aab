//! What happens to an order after its request.

mod cancellation;
mod contention;
mod correlation;
mod crashes;
mod outages;
mod payments;
mod provider;
mod saga;
mod sweep;
