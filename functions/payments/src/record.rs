//! The payments table: the outcome of each order's payment, for people and reports, and the provider's reference to it.
//! The order's status, not this record, decides what happens next.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use domain_primitives::{Currency, Money, Timestamp};
use lambda_kit::{
    Error,
    config::{self, ConfigError},
    transaction,
};
use orders::OrderId;
use serde::Serialize;
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

/// The payments table.
#[derive(Clone, Debug)]
pub struct Payments {
    table: String,
}

/// The outcome of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RecordedOutcome {
    Captured,
    Declined,
    /// The provider gave no verdict until the order was too old.
    Failed,
}

/// How the charge of an order that has ended was brought to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reconciled {
    /// The charge is refunded.
    Refunded {
        /// The provider's reference to the refund.
        reference: String,
    },
    /// The order was not charged, and cannot be any more.
    NotCharged,
    /// The provider refuses the refund for good: it waits for people.
    Refused {
        /// The provider's word.
        reason: String,
    },
}

/// The record of one payment.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentRecord {
    pub(crate) order_id: OrderId,
    pub(crate) outcome: RecordedOutcome,
    /// Minor units.
    pub(crate) amount: u64,
    pub(crate) currency: Currency,
    /// The provider's reference to the charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_reference: Option<String>,
    /// Why it was declined, in the provider's own word, or why it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// How many times its message had been received by then.
    pub(crate) attempts: u32,
    pub(crate) updated_at: Timestamp,
}

impl Payments {
    /// The table named by `PAYMENTS_TABLE`.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] when the variable is not set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self { table: config::required("PAYMENTS_TABLE")? })
    }

    /// The put of the record, for the transaction that ends the order.
    pub(crate) fn put(&self, payment: &PaymentRecord) -> Result<TransactWriteItem, Error> {
        let item: HashMap<String, AttributeValue> =
            to_item(payment).map_err(|error| Error::Internal(format!("cannot write a payment: {error}")))?;
        transaction::put_item(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    /// The update that records how a refund ended. An order that was cancelled before it was paid has no record yet.
    pub(crate) fn refunded(
        &self,
        order_id: OrderId,
        amount: Money,
        reconciled: &Reconciled,
    ) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order_id.to_string()))
            .expression_attribute_values(":amount", AttributeValue::N(amount.amount().to_string()))
            .expression_attribute_values(
                ":currency",
                AttributeValue::S(amount.currency().as_str().to_owned()),
            )
            .expression_attribute_values(":now", AttributeValue::S(Timestamp::now().to_string()));
        let common = "updated_at = :now, amount = if_not_exists(amount, :amount), \
                    currency = if_not_exists(currency, :currency)";
        let outcome = |outcome: &str| AttributeValue::S(outcome.to_owned());
        let update = match reconciled {
            Reconciled::Refunded { reference } => update
                .update_expression(format!("SET outcome = :outcome, refund_reference = :reference, {common}"))
                .expression_attribute_values(":outcome", outcome("REFUNDED"))
                .expression_attribute_values(":reference", AttributeValue::S(reference.clone())),
            Reconciled::NotCharged => update
                .update_expression(format!("SET outcome = if_not_exists(outcome, :outcome), {common}"))
                .expression_attribute_values(":outcome", outcome("VOIDED")),
            Reconciled::Refused { reason } => update
                .update_expression(format!("SET outcome = :outcome, reason = :reason, {common}"))
                .expression_attribute_values(":outcome", outcome("REFUND_REFUSED"))
                .expression_attribute_values(":reason", AttributeValue::S(reason.clone())),
        };
        transaction::update_item(update)
    }
}
