//! Orders: made in one transaction with the stock they take, and moved through their states by conditions only.
//!
//! - [`create_order()`], [`get_order()`] and [`cancel_order()`] answer HTTP
//! - [`request_payments()`] carries new and cancelled orders from the table's stream (the outbox) to
//!   the payments queue
//! - [`sweep()`] puts orders on the queue again whose payment or refund stays due, whatever lost them
//! - [`Orders::transition`] is the one transaction that moves an order on, for payments too

mod cancel_order;
mod create_order;
mod get_order;
mod ids;
mod item;
mod order;
mod payment_request;
mod request;
mod request_payments;
mod status;
mod store;
mod sweep;
mod transition;

pub use cancel_order::cancel_order;
pub use create_order::{OrderService, create_order};
pub use get_order::get_order;
pub use ids::{IdempotencyKey, OrderId};
pub use order::{Due, LineItem, Order, StatusChange};
pub use payment_request::PaymentRequest;
pub use request_payments::request_payments;
pub use status::Status;
pub use store::Orders;
pub use sweep::{Swept, sweep};
pub use transition::{Transition, TransitionOutcome};

/// What reads bytes from outside, for the fuzz targets in `fuzz/`.
#[doc(hidden)]
pub mod border {
    pub use crate::{
        item::write as write_item,
        request::{OrderRequest, RequestedItem},
        request_payments::message as payment_message,
    };
}
