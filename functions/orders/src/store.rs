//! Reads and writes of the orders table.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value;
use shared::{
    Deadline, Error, OrderId, Timestamp,
    aws::Aws,
    config::{self, ConfigError},
};

use crate::{
    item::{self, Item},
    order::{Order, Transition},
    status::Status,
};

/// The orders table.
#[derive(Clone, Debug)]
pub struct Orders {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl Orders {
    /// The table named by `ORDERS_TABLE`.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] when the variable is not set.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::new(aws.dynamodb(), config::required("ORDERS_TABLE")?))
    }

    /// The orders in `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The client that transactions with this table go through.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The order as it stands now: a strongly consistent read, one round trip.
    ///
    /// # Errors
    /// When `DynamoDB` does not answer, or the item is not an order.
    pub async fn get(&self, order_id: OrderId, deadline: Deadline) -> Result<Option<Order>, Error> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order_id.to_string()))
            .consistent_read(true);
        let call = async { request.send().await.map_err(|error| Error::from_sdk("DynamoDB", &error)) };
        deadline.bound("DynamoDB", call).await?.item.map(item::read).transpose()
    }

    /// Puts a new order; the condition fails, with the stored order, when there is one of this id.
    pub(crate) fn put_new(&self, order: &Order) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item::write(order)?))
            .condition_expression("attribute_not_exists(order_id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Moves an order from one state to the next. The condition fails, with the stored order, when the order is no
    /// longer in the state it leaves: read it with [`Orders::read`].
    ///
    /// # Errors
    /// [`Error::Internal`] for a transition that the state machine does not have.
    pub fn transition(
        &self,
        order_id: OrderId,
        from: Status,
        to: Status,
        reason: Option<&str>,
    ) -> Result<TransactWriteItem, Error> {
        if !from.can_become(to) {
            return Err(Error::Internal(format!("an order cannot go from {from} to {to}")));
        }
        let at = Timestamp::now();
        let step = Transition { status: to, at: at.clone(), reason: reason.map(str::to_owned) };
        let steps = to_attribute_value(vec![step]).map_err(|error| Error::Internal(error.to_string()))?;
        let update = Update::builder()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order_id.to_string()))
            .update_expression(
                "SET #status = :to, updated_at = :at, #history = list_append(#history, :steps) REMOVE pending_shard",
            )
            .condition_expression("#status = :from")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#history", "history")
            .expression_attribute_values(":from", AttributeValue::S(from.as_str().to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(to.as_str().to_owned()))
            .expression_attribute_values(":at", AttributeValue::S(at.as_str().to_owned()))
            .expression_attribute_values(":steps", steps)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The order that a failed condition returned.
    ///
    /// # Errors
    /// When the item is not an order.
    pub fn read(item: Item) -> Result<Order, Error> {
        item::read(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_transition_is_written_that_the_state_machine_lacks() {
        let client = Aws::local("us-east-1", "http://127.0.0.1:1", "http://127.0.0.1:1").dynamodb();
        let orders = Orders::new(client, "orders".to_owned());
        let id = OrderId::new();
        assert!(orders.transition(id, Status::Confirmed, Status::PaymentFailed, None).is_err());
        let item = orders.transition(id, Status::Pending, Status::Confirmed, None).unwrap();
        assert_eq!(item.update().unwrap().condition_expression(), Some("#status = :from"));
    }
}
