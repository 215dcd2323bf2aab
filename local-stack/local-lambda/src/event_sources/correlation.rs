//! Correlation ids, which connect the invocations that one request has caused.
//!
//! Lambda does not have them. By convention, table items have an attribute and messages a message attribute
//! `correlation_id`, so that it is also in the logs on AWS.

use serde_json::Value;

const NAME: &str = "correlation_id";

/// The correlation ids of an event's records, each once, in order.
pub(super) fn of_records(event: &Value) -> Vec<String> {
    let mut ids = Vec::new();
    for record in event["Records"].as_array().into_iter().flatten() {
        let images = ["NewImage", "OldImage"].map(|image| record["dynamodb"][image][NAME]["S"].as_str());
        let attribute = record["messageAttributes"][NAME]["stringValue"].as_str();
        if let Some(id) = images.into_iter().flatten().next().or(attribute)
            && !ids.iter().any(|known| known == id)
        {
            ids.push(id.to_owned());
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_come_from_items_and_messages_each_once() {
        let item = |image: &str, id: &str| json!({"dynamodb": {image: {"correlation_id": {"S": id}}}});
        let message = |id: &str| json!({"messageAttributes": {"correlation_id": {"stringValue": id}}});
        let event = json!({"Records": [item("NewImage", "a"), item("OldImage", "b"), message("c"), message("a"), {}]});
        assert_eq!(of_records(&event), ["a", "b", "c"]);
        assert!(of_records(&json!({})).is_empty());
    }
}
