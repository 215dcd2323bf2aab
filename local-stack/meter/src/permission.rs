//! The IAM permissions that an API call requires.
//!
//! IAM has no actions for transactions and for SQS's batches: a transaction requires the actions that write or read its
//! single items, and a batch of messages the action for one message.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>,
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html>

use serde::Serialize;
use serde_json::Value;

use crate::{service::Service, sqs, tables::plain_name};

/// An action on a table, on one of its indexes, or on a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Permission {
    /// `dynamodb:UpdateItem`, `sqs:SendMessage`.
    pub action: String,
    /// The name of the table or the queue.
    pub resource: String,
    /// The index of a Query or Scan, which is a resource of its own.
    pub index: Option<String>,
}

impl Permission {
    fn dynamodb(action: &str, table: &str) -> Self {
        let resource = plain_name(table).to_owned();
        Self { action: format!("dynamodb:{action}"), resource, index: None }
    }
}

/// The permissions that an API call requires, each once. None for `PartiQL`, where they depend on the statements, and for
/// a malformed request.
#[must_use]
pub fn required(service: Service, operation: &str, request: &[u8]) -> Vec<Permission> {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let mut required = match service {
        Service::DynamoDb => dynamodb_permissions(operation, &request),
        Service::Sqs => sqs_permission(operation, &request).into_iter().collect(),
        Service::Web => Vec::new(),
    };
    required.sort();
    required.dedup();
    required
}

fn dynamodb_permissions(operation: &str, request: &Value) -> Vec<Permission> {
    match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            let items = request["TransactItems"].as_array().into_iter().flatten();
            let actions = items.filter_map(Value::as_object).flatten();
            let permission = |(kind, action): (&String, &Value)| {
                Some(Permission::dynamodb(&format!("{kind}Item"), action["TableName"].as_str()?))
            };
            actions.filter_map(permission).collect()
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = request["RequestItems"].as_object().into_iter().flatten();
            tables.map(|(table, _)| Permission::dynamodb(operation, table)).collect()
        }
        _ => {
            let Some(table) = request["TableName"].as_str() else { return Vec::new() };
            let index = request["IndexName"].as_str().map(str::to_owned);
            vec![Permission { index, ..Permission::dynamodb(operation, table) }]
        }
    }
}

fn sqs_permission(operation: &str, request: &Value) -> Option<Permission> {
    let action = operation.strip_suffix("Batch").unwrap_or(operation);
    let resource = sqs::queue(request)?;
    Some(Permission { action: format!("sqs:{action}"), resource, index: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(service: Service, operation: &str, request: &Value) -> Vec<String> {
        let text = |permission: Permission| {
            let index = permission.index.map(|index| format!("/{index}")).unwrap_or_default();
            format!("{} {}{index}", permission.action, permission.resource)
        };
        required(service, operation, request.to_string().as_bytes()).into_iter().map(text).collect()
    }

    #[test]
    fn a_transaction_requires_the_actions_of_its_items() {
        let on = |table: &str| json!({"TableName": table});
        let items = [
            json!({"Update": on("stock")}),
            json!({"Update": on("stock")}),
            json!({"Put": on("arn:aws:dynamodb:us-east-1:000000000000:table/orders")}),
            json!({"Delete": on("orders")}),
            json!({"ConditionCheck": on("orders")}),
        ];
        let expected = [
            "dynamodb:ConditionCheckItem orders",
            "dynamodb:DeleteItem orders",
            "dynamodb:PutItem orders",
            "dynamodb:UpdateItem stock",
        ];
        let written = texts(Service::DynamoDb, "TransactWriteItems", &json!({"TransactItems": items}));
        assert_eq!(written, expected);
        let read = json!({"TransactItems": [{"Get": on("orders")}]});
        assert_eq!(texts(Service::DynamoDb, "TransactGetItems", &read), ["dynamodb:GetItem orders"]);
    }

    #[test]
    fn a_batch_of_items_is_an_action_of_its_own_on_each_table() {
        let request = json!({"RequestItems": {"a": {"Keys": []}, "b": {"Keys": []}}});
        let expected = ["dynamodb:BatchGetItem a", "dynamodb:BatchGetItem b"];
        assert_eq!(texts(Service::DynamoDb, "BatchGetItem", &request), expected);
    }

    #[test]
    fn an_index_is_a_resource_of_its_own() {
        let query = |request: &Value| texts(Service::DynamoDb, "Query", request);
        assert_eq!(query(&json!({"TableName": "t"})), ["dynamodb:Query t"]);
        assert_eq!(query(&json!({"TableName": "t", "IndexName": "i"})), ["dynamodb:Query t/i"]);
    }

    #[test]
    fn a_batch_of_messages_requires_the_action_for_one() {
        let request = json!({"QueueUrl": "http://127.0.0.1:9324/000000000000/jobs"});
        assert_eq!(texts(Service::Sqs, "SendMessageBatch", &request), ["sqs:SendMessage jobs"]);
        assert_eq!(texts(Service::Sqs, "GetQueueAttributes", &request), ["sqs:GetQueueAttributes jobs"]);
    }

    #[test]
    fn partiql_and_malformed_requests_have_no_permissions() {
        assert!(texts(Service::DynamoDb, "ExecuteStatement", &json!({"Statement": "SELECT"})).is_empty());
        assert!(required(Service::DynamoDb, "GetItem", b"nonsense").is_empty());
    }
}
