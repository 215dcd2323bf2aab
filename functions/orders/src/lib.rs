//! Orders: made in one transaction with the stock they take, and moved through their states by conditions only.
//!
//! - [`create_order`] and [`get_order`] answer HTTP
//! - [`request_payments`] carries new orders from the table's stream (the outbox) to the payments queue
//! - [`sweep`] puts orders that stay PENDING on the queue again, whatever lost them
//! - [`Orders::transition`] hands payments the transaction item that moves an order on

mod create_order;
mod get_order;
mod item;
mod order;
mod payment_request;
mod request;
mod request_payments;
mod status;
mod store;
mod sweep;

pub use create_order::{Shop, create_order};
pub use get_order::get_order;
pub use order::{Line, Order, Transition};
pub use payment_request::PaymentRequest;
pub use request_payments::request_payments;
pub use status::Status;
pub use store::Orders;
pub use sweep::{Swept, sweep};
