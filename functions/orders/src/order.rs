//! Orders.

use catalog::{ProductId, Quantity};
use domain_primitives::{Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ids::OrderId, status::Status};

/// An order as the services see it. [`Order::view`] is what clients see.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Identifies it.
    pub order_id: OrderId,
    /// Its current status.
    pub status: Status,
    /// One for each product.
    pub line_items: Vec<LineItem>,
    /// The sum of the line items.
    pub total: Money,
    /// The customer's e-mail address. Neither logs nor responses contain it.
    pub email: String,
    /// The token that the payment provider charges.
    pub payment_method: String,
    /// Digest of the request, to distinguish a replay from another order with the same key.
    pub request_hash: String,
    /// Links the log lines of everything that the order causes.
    pub correlation_id: String,
    /// Every status that the order has had, oldest first.
    pub history: Vec<StatusChange>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
    /// What is still due at the payment provider.
    pub due: Option<Due>,
    /// The provider's id of the order's payment intent. It is stored before the intent is confirmed, so an order without
    /// one was never charged.
    pub payment_intent: Option<String>,
}

/// What is still due at the payment provider. An order is in the `due` index exactly while something is due, so that the
/// sweep finds lost messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The charge of a PENDING order.
    Payment,
    /// The refund of an order in a final state that may have been charged, and the void of a charge that has not happened
    /// yet.
    Refund,
}

/// A line item: one product of an order, at the price of that moment.
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
    /// The price of all pieces.
    pub line_total: Money,
}

/// An entry of an order's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusChange {
    /// The new status.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// Why, where the status does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The order as the API returns it.
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
    /// When the order became `status`, if it ever did.
    #[must_use]
    pub fn became(&self, status: Status) -> Option<&Timestamp> {
        self.history.iter().find(|change| change.status == status).map(|change| &change.at)
    }

    /// The order as the API returns it.
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
            payment_intent: None,
        }
    }
}
