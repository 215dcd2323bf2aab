//! Reads and writes of the orders table.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
        builders::UpdateBuilder,
    },
};
use domain_primitives::Timestamp;
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    conditional::{self, Updated},
    config::{self, ConfigError},
    transaction,
};
use serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value;

use crate::{
    ids::OrderId,
    item::{self, Item},
    order::{Due, Order, StatusChange},
    status::Status,
    transition::TransitionOutcome,
};

/// The orders table.
#[derive(Clone, Debug)]
pub struct Orders {
    client: Client,
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

    /// The client for transactions with this table.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The current order: a strongly consistent read, in one round trip.
    ///
    /// # Errors
    /// When `DynamoDB` does not respond, or the item is not an order.
    pub async fn get(&self, order_id: OrderId, deadline: Deadline) -> Result<Option<Order>, Error> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order_id.to_string()))
            .consistent_read(true);
        deadline.send("DynamoDB", request.send()).await?.item.map(item::read).transpose()
    }

    /// Puts a new order. If one of this id exists, the condition fails with the stored order.
    pub(crate) fn put_new(&self, order: &Order) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item::write(order)?))
            .condition_expression("attribute_not_exists(order_id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        transaction::put_item(put)
    }

    /// Changes an order's status. If it is no longer the one in `order`, the condition fails with the stored order: read it
    /// with [`Orders::read`].
    ///
    /// # Errors
    /// [`Error::Internal`] for a transition that the state machine does not allow.
    pub(crate) fn transition_item(
        &self,
        order: &Order,
        change: &StatusChange,
        due: Option<Due>,
    ) -> Result<TransactWriteItem, Error> {
        let (from, to) = (order.status, change.status);
        if !from.can_become(to) {
            return Err(Error::Internal(format!("an order cannot go from {from} to {to}")));
        }
        let changes = to_attribute_value(vec![change]).map_err(|error| Error::Internal(error.to_string()))?;
        let set = "SET #status = :to, updated_at = :at, #history = list_append(#history, :changes)";
        let update = self.update(order.order_id);
        let update = match due {
            Some(_) => update
                .update_expression(format!("{set}, due_shard = :shard, due_at = :due"))
                .expression_attribute_values(":shard", AttributeValue::S(item::due_shard(order.order_id)))
                .expression_attribute_values(":due", text(&item::next_sweep(Duration::ZERO))),
            None => update.update_expression(format!("{set} REMOVE due_shard, due_at")),
        };
        let update = update
            .condition_expression("#status = :from")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#history", "history")
            .expression_attribute_values(":from", AttributeValue::S(from.as_str().to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(to.as_str().to_owned()))
            .expression_attribute_values(":at", text(&change.at))
            .expression_attribute_values(":changes", changes)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        transaction::update_item(update)
    }

    /// Removes an order whose refund is made, or refused for good, from the `due` index. The condition fails when no refund
    /// is due, or no longer.
    ///
    /// # Errors
    /// Never in practice: the SDK's builder checks that every required member is set.
    pub fn refund_ended(&self, order_id: OrderId) -> Result<TransactWriteItem, Error> {
        let update = self
            .update(order_id)
            .update_expression("REMOVE due_shard, due_at")
            .condition_expression("attribute_exists(due_shard) AND #status IN (:failed, :cancelled)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":failed", AttributeValue::S(Status::PaymentFailed.to_string()))
            .expression_attribute_values(":cancelled", AttributeValue::S(Status::Cancelled.to_string()));
        transaction::update_item(update)
    }

    /// Stores the provider's id of the payment intent of a PENDING order that has none yet. Only then may it be confirmed.
    /// If the order has ended, or has another intent, nothing is stored and the condition fails with the stored order.
    ///
    /// # Errors
    /// When `DynamoDB` does not respond, or the stored item is not an order.
    pub async fn store_intent(
        &self,
        order: &Order,
        intent: &str,
        deadline: Deadline,
    ) -> Result<TransitionOutcome, Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order.order_id.to_string()))
            .update_expression("SET payment_intent = :intent")
            .condition_expression("#status = :pending AND attribute_not_exists(payment_intent)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":pending", AttributeValue::S(Status::Pending.to_string()))
            .expression_attribute_values(":intent", AttributeValue::S(intent.to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match conditional::update(request, deadline).await? {
            Updated::Written => {
                let order = Order { payment_intent: Some(intent.to_owned()), ..order.clone() };
                Ok(TransitionOutcome::Applied(Box::new(order)))
            }
            Updated::ConditionFailed(item) => Ok(TransitionOutcome::Conflict(Box::new(Self::read(item)?))),
        }
    }

    /// Lets the sweep request what is due of an order later, ever more rarely: after as long as it has been due `since`.
    /// Nothing happens when that is not due any more.
    ///
    /// # Errors
    /// When `DynamoDB` does not respond.
    pub async fn postpone(
        &self,
        order_id: OrderId,
        since: &Timestamp,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(order_id.to_string()))
            .update_expression("SET due_at = :next")
            .condition_expression("attribute_exists(due_shard) AND updated_at = :since")
            .expression_attribute_values(":next", text(&item::next_sweep(since.age())))
            .expression_attribute_values(":since", text(since));
        conditional::update(request, deadline).await.map(|_| ())
    }

    fn update(&self, order_id: OrderId) -> UpdateBuilder {
        Update::builder().table_name(&self.table).key("order_id", AttributeValue::S(order_id.to_string()))
    }

    /// The order that a failed condition returned.
    ///
    /// # Errors
    /// When the item is not an order.
    pub fn read(item: Item) -> Result<Order, Error> {
        item::read(item)
    }
}

fn text(time: &Timestamp) -> AttributeValue {
    AttributeValue::S(time.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::tests::order;

    #[test]
    fn no_transition_is_written_that_the_state_machine_forbids() {
        let client = Aws::local("us-east-1", "http://127.0.0.1:1", "http://127.0.0.1:1").dynamodb();
        let orders = Orders::new(client, "orders".to_owned());
        let to = |status| StatusChange { status, at: Timestamp::now(), reason: None };
        let paid = Order { status: Status::Confirmed, ..order() };
        assert!(orders.transition_item(&paid, &to(Status::PaymentFailed), None).is_err());
        let item = orders.transition_item(&order(), &to(Status::Confirmed), None).unwrap();
        let update = item.update().unwrap();
        assert_eq!(update.condition_expression(), Some("#status = :from"));
        assert!(update.update_expression().ends_with("REMOVE due_shard, due_at"), "nothing is due");
        let item = orders.transition_item(&paid, &to(Status::Cancelled), Some(Due::Refund)).unwrap();
        assert!(item.update().unwrap().update_expression().ends_with("due_shard = :shard, due_at = :due"));
    }
}
