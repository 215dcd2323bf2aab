//! Orders. One transaction creates an order and takes its stock; every change of its status has a condition.
//!
//! - [`OrderService::place`] and [`cancel_order()`] place and cancel orders. They know nothing of HTTP: the endpoints are
//!   in `src/bin`.
//! - [`request_payments()`] sends a payment request for each new and each cancelled order in the table's stream.
//! - [`sweep()`] repeats the payment requests of orders whose payment or refund stays due.
//! - [`Orders::transition`] is the only transaction that changes an order's status; payments uses it, too.

mod cancel_order;
mod ids;
mod item;
mod limits;
mod order;
mod payment_request;
mod place_order;
mod problem;
mod request;
mod request_payments;
mod status;
mod store;
mod sweep;
mod transition;

pub use cancel_order::{CancelOrderError, cancel_order};
pub use ids::{IdempotencyKey, OrderId, OrderIdSecret};
pub use item::write as write_item;
pub use limits::OrderLimits;
pub use order::{Due, LineItem, Order, StatusChange};
pub use payment_request::PaymentRequest;
pub use place_order::{OrderService, PlaceOrderError, PlacedOrder, Shortage};
pub use problem::order_not_found;
pub use request::{OrderRequest, RequestedItem};
pub use request_payments::{payment_message, request_payments};
pub use status::Status;
pub use store::Orders;
pub use sweep::{Swept, sweep};
pub use transition::{Transition, TransitionOutcome};
