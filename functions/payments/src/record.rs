//! The payments table: the outcome of each order's payment, for people and reports, and the provider's reference to it.
//! The order's status, not this record, decides what happens next.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use domain_primitives::{Currency, Money, Timestamp};
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    config::{self, ConfigError},
    transaction,
};
use orders::OrderId;
use serde::Serialize;
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

/// The payments table.
#[derive(Clone, Debug)]
pub struct Payments {
    client: Client,
    table: String,
}

/// The outcome of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RecordedOutcome {
    Captured,
    Declined,
    /// The provider did not respond in any of the attempts.
    Failed,
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
    /// Why it was declined or has failed.
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
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self { client: aws.dynamodb(), table: config::required("PAYMENTS_TABLE")? })
    }

    /// The put of the record, for the transaction that ends the order.
    pub(crate) fn put(&self, payment: &PaymentRecord) -> Result<TransactWriteItem, Error> {
        let item: HashMap<String, AttributeValue> =
            to_item(payment).map_err(|error| Error::Internal(format!("cannot write a payment: {error}")))?;
        transaction::put_item(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    /// The provider's reference to the charge of an order, if it was captured and settled.
    ///
    /// # Errors
    /// When `DynamoDB` does not respond.
    pub(crate) async fn reference(
        &self,
        order_id: OrderId,
        deadline: Deadline,
    ) -> Result<Option<String>, Error> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order_id.to_string()))
            .projection_expression("provider_reference")
            .consistent_read(true);
        let item = deadline.send("DynamoDB", request.send()).await?.item;
        Ok(item.and_then(|item| item.get("provider_reference")?.as_s().ok().cloned()))
    }

    /// The update that records a refund by its reference, or that nothing was charged. An order that was cancelled before it
    /// was paid has no record yet.
    pub(crate) fn refunded(
        &self,
        order_id: OrderId,
        amount: Money,
        refund: Option<&str>,
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
        let update = match refund {
            Some(reference) => update
                .update_expression(format!("SET outcome = :outcome, refund_reference = :reference, {common}"))
                .expression_attribute_values(":outcome", AttributeValue::S("REFUNDED".to_owned()))
                .expression_attribute_values(":reference", AttributeValue::S(reference.to_owned())),
            None => update
                .update_expression(format!("SET outcome = if_not_exists(outcome, :outcome), {common}"))
                .expression_attribute_values(":outcome", AttributeValue::S("VOIDED".to_owned())),
        };
        transaction::update_item(update)
    }
}
