//! The message of the payments queue: it requests the charge or the refund of an order.

use lambda_kit::{Error, json};
use serde::{Deserialize, Serialize};

use crate::ids::OrderId;

/// `{"order_id": "..."}`. The receiver reads everything else from the order, so a message cannot be out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRequest {
    /// The order to charge or to refund.
    pub order_id: OrderId,
}

impl PaymentRequest {
    /// The body of the SQS message.
    ///
    /// # Errors
    /// Never in practice: an id is always valid JSON.
    pub fn to_body(self) -> Result<String, Error> {
        serde_json::to_string(&self).map_err(|error| Error::Internal(error.to_string()))
    }

    /// Reads the body of an SQS message.
    ///
    /// # Errors
    /// When it is not a payment request.
    pub fn from_body(body: &str) -> Result<Self, Error> {
        json::from_slice(body.as_bytes()).map_err(|error| Error::unreadable("a payment request", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_sent() {
        let request = PaymentRequest { order_id: OrderId::new() };
        assert_eq!(PaymentRequest::from_body(&request.to_body().unwrap()).unwrap(), request);
    }

    #[test]
    fn anything_else_is_unreadable() {
        let array = format!("[\"{}\"]", OrderId::new());
        for body in ["", "{", "null", "{}", r#"{"order_id":7}"#, r#"{"order_id":"x"}"#, "not json", &array] {
            assert!(PaymentRequest::from_body(body).is_err(), "{body}");
        }
    }
}
