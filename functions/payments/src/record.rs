//! The payments table: what became of each order's payment, for people and reports. The order's state, not this
//! record, decides what happens next.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, TransactWriteItem},
};
use serde::Serialize;
use serde_dynamo::aws_sdk_dynamodb_1::to_item;
use shared::{
    Currency, Deadline, Error, OrderId, Timestamp,
    aws::Aws,
    config::{self, ConfigError},
};

/// The payments table.
#[derive(Clone, Debug)]
pub struct Payments {
    client: Client,
    table: String,
}

/// How a payment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Outcome {
    Captured,
    Declined,
    /// Given up: the provider gave no answer in all attempts.
    Failed,
}

/// One payment.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentItem {
    pub(crate) order_id: OrderId,
    pub(crate) outcome: Outcome,
    /// Minor units.
    pub(crate) amount: u64,
    pub(crate) currency: Currency,
    /// The provider's name for the charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_reference: Option<String>,
    /// Why it was declined or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// How often its message had been received when it ended.
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

    /// Writes the record in the transaction that ends the order.
    pub(crate) fn put(&self, payment: &PaymentItem) -> Result<TransactWriteItem, Error> {
        let item: HashMap<String, AttributeValue> =
            to_item(payment).map_err(|error| Error::Internal(format!("cannot write a payment: {error}")))?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build();
        let put = put.map_err(|error| Error::Internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Notes that the order's charge was given back.
    pub(crate) async fn refunded(
        &self,
        order_id: OrderId,
        reference: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order_id.to_string()))
            .update_expression("SET outcome = :refunded, refund_reference = :reference, updated_at = :now")
            .expression_attribute_values(":refunded", AttributeValue::S("REFUNDED".to_owned()))
            .expression_attribute_values(":reference", AttributeValue::S(reference.to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(Timestamp::now().to_string()));
        let call = async { request.send().await.map_err(|error| Error::from_sdk("DynamoDB", &error)) };
        deadline.bound("DynamoDB", call).await.map(|_| ())
    }
}
