//! What an order is.

use serde::{Deserialize, Serialize};
use shared::{Money, OrderId, ProductId, Quantity, Timestamp};

use crate::status::Status;

/// An order as the services know it. [`Order::view`] is what clients see.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Its name.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: Status,
    /// One line for each product.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: Money,
    /// The customer's e-mail address. Never logged, never answered.
    pub email: String,
    /// The token that the payment provider charges.
    pub payment_method: String,
    /// Digest of what was asked for, to tell a replay from another order under the same key.
    pub request_hash: String,
    /// Joins everything that the order sets off, in logs.
    pub correlation_id: String,
    /// Every state the order has been in, oldest first.
    pub history: Vec<Transition>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
}

/// One product of an order, at the price of that moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The product.
    pub product_id: ProductId,
    /// Its name at that moment.
    pub name: String,
    /// How many pieces.
    pub quantity: Quantity,
    /// The price of one piece.
    pub unit_price: Money,
    /// The price of the line.
    pub line_total: Money,
}

/// One state of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// The state that was entered.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// Why, where there is more to say than the state does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The order as the API answers it.
#[derive(Debug, Serialize)]
pub struct OrderView<'a> {
    order_id: OrderId,
    status: Status,
    items: &'a [Line],
    total: Money,
    history: &'a [Transition],
    created_at: &'a Timestamp,
    updated_at: &'a Timestamp,
}

impl Order {
    /// The order as the API answers it.
    #[must_use]
    pub fn view(&self) -> OrderView<'_> {
        OrderView {
            order_id: self.order_id,
            status: self.status,
            items: &self.lines,
            total: self.total,
            history: &self.history,
            created_at: &self.created_at,
            updated_at: &self.updated_at,
        }
    }
}
