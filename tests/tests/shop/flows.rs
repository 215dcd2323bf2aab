//! What happens to an order after its request.

mod cancellation;
mod contention;
mod correlation;
mod crashes;
mod giving_up;
mod outages;
mod payments;
mod provider;
mod rates;
mod refunds;
mod saga;
mod sweep;
