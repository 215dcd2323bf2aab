//! `UpdateItem` with a condition: that the condition fails is a result for the caller, not an error.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::AttributeValue,
};

use crate::{Deadline, Error};

/// How a conditional update ended.
#[derive(Debug)]
pub enum Updated {
    /// The item is changed.
    Written,
    /// The condition failed, and nothing is changed. With `ALL_OLD`, the stored item.
    ConditionFailed(HashMap<String, AttributeValue>),
}

/// Sends a conditional update.
///
/// # Errors
/// The classified error of the call, see [`Error::from_sdk`]; never the failed condition.
pub async fn update(request: UpdateItemFluentBuilder, deadline: Deadline) -> Result<Updated, Error> {
    let call = async {
        let Err(error) = request.send().await else { return Ok(Updated::Written) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Updated::ConditionFailed(failed.item.clone().unwrap_or_default()))
            }
            _ => Err(Error::from_sdk("DynamoDB", &error)),
        }
    };
    deadline.with_timeout("DynamoDB", call).await
}
