//! What an order is.

use crate::ids::OrderId;
use catalog::{ProductId, Quantity};
use domain_primitives::{Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::status::Status;

/// An order as the services know it. [`Order::view`] is what clients see.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Its name.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: Status,
    /// One line for each product.
    pub line_items: Vec<LineItem>,
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
    pub history: Vec<StatusChange>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// What the payment provider still has to be asked for.
    pub due: Option<Due>,
}

/// What the payment provider still has to be asked for. An order is in the `pending` index exactly while there is
/// something, so that the sweep finds what got lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// To charge a PENDING order.
    Payment,
    /// To give back what an ended order may have been charged, and to see to it that it is not charged any more.
    Refund,
}

/// One product of an order, at the price of that moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineItem {
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
pub struct StatusChange {
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
    items: &'a [LineItem],
    total: Money,
    history: &'a [StatusChange],
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
            items: &self.line_items,
            total: self.total,
            history: &self.history,
            created_at: &self.created_at,
            updated_at: &self.updated_at,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PENDING order of two lamps.
    pub(crate) fn order() -> Order {
        let price: Money = serde_json::from_str(r#"{"amount":1299,"currency":"USD"}"#).unwrap();
        Order {
            order_id: OrderId::new(),
            status: Status::Pending,
            line_items: vec![LineItem {
                product_id: "desk-lamp".parse().unwrap(),
                name: "Desk lamp".to_owned(),
                quantity: Quantity::try_from(2).unwrap(),
                unit_price: price,
                line_total: price.times(2).unwrap(),
            }],
            total: price.times(2).unwrap(),
            email: "a@example.com".to_owned(),
            payment_method: "tok_visa".to_owned(),
            request_hash: "x".to_owned(),
            correlation_id: "c".to_owned(),
            history: vec![StatusChange { status: Status::Pending, at: Timestamp::now(), reason: None }],
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
            due: Some(Due::Payment),
        }
    }
}
