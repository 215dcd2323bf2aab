//! What a caller must be allowed to do for a call, in the words of IAM.
//!
//! IAM knows neither transactions nor SQS's batches: the items of a transaction need the actions that write or read
//! one item, and a batch of messages needs the action for one message.
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
    /// The table's or the queue's name.
    pub resource: String,
    /// The index that a Query or Scan reads instead of its table: it is a resource of its own.
    pub index: Option<String>,
}

impl Permission {
    fn dynamodb(action: &str, table: &str) -> Self {
        let resource = plain_name(table).to_owned();
        Self { action: format!("dynamodb:{action}"), resource, index: None }
    }
}

/// What the call needs, each once. Nothing for `PartiQL`, whose statements tell it, and for a request that is not of
/// the form that AWS documents.
#[must_use]
pub fn required(service: Service, operation: &str, request: &[u8]) -> Vec<Permission> {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let mut required = match service {
        Service::DynamoDb => of_dynamodb(operation, &request),
        Service::Sqs => of_sqs(operation, &request).into_iter().collect(),
        Service::Web => Vec::new(),
    };
    required.sort();
    required.dedup();
    required
}

fn of_dynamodb(operation: &str, request: &Value) -> Vec<Permission> {
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

fn of_sqs(operation: &str, request: &Value) -> Option<Permission> {
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
    fn a_transaction_needs_the_actions_of_its_items() {
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
    fn an_index_is_another_resource_than_its_table() {
        let query = |request: &Value| texts(Service::DynamoDb, "Query", request);
        assert_eq!(query(&json!({"TableName": "t"})), ["dynamodb:Query t"]);
        assert_eq!(query(&json!({"TableName": "t", "IndexName": "i"})), ["dynamodb:Query t/i"]);
    }

    #[test]
    fn a_batch_of_messages_needs_the_action_for_one() {
        let request = json!({"QueueUrl": "http://127.0.0.1:9324/000000000000/jobs"});
        assert_eq!(texts(Service::Sqs, "SendMessageBatch", &request), ["sqs:SendMessage jobs"]);
        assert_eq!(texts(Service::Sqs, "GetQueueAttributes", &request), ["sqs:GetQueueAttributes jobs"]);
    }

    #[test]
    fn nothing_is_known_of_partiql_and_of_nonsense() {
        assert!(texts(Service::DynamoDb, "ExecuteStatement", &json!({"Statement": "SELECT"})).is_empty());
        assert!(required(Service::DynamoDb, "GetItem", b"nonsense").is_empty());
    }
}
