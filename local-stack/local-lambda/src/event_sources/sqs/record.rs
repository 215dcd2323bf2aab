//! The shape of a message in events, and for filters.

use aws_sdk_sqs::types::Message;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// The message in the shape of <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>.
#[must_use]
pub fn record(message: &Message, arn: &str, region: &str) -> Value {
    let attributes: Map<String, Value> = message
        .attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
        .collect();
    let message_attributes = message.message_attributes().into_iter().flatten().map(|(name, value)| {
        let mut attribute =
            json!({"dataType": value.data_type(), "stringListValues": [], "binaryListValues": []});
        if let Some(text) = value.string_value() {
            attribute["stringValue"] = json!(text);
        }
        if let Some(bytes) = value.binary_value() {
            attribute["binaryValue"] = json!(STANDARD.encode(bytes));
        }
        (name.clone(), attribute)
    });
    json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": attributes,
        "messageAttributes": message_attributes.collect::<Map<_, _>>(),
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    })
}

/// The record that filters match. A body that is a JSON object is parsed, so a pattern for an object never matches plain
/// text, and the other way round: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html>.
pub(super) fn filterable(record: &Value) -> Value {
    let mut record = record.clone();
    let body = record["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
    if let Some(body) = body.filter(Value::is_object) {
        record["body"] = body;
    }
    record
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::MessageAttributeValue;

    use super::*;

    #[test]
    fn with_sqs_the_record_has_the_shape_that_functions_read() {
        let attribute =
            MessageAttributeValue::builder().data_type("String").string_value("b").build().unwrap();
        let message =
            Message::builder().message_id("1").body("hello").message_attributes("a", attribute).build();
        let made = record(&message, "arn:aws:sqs:eu-west-1:000000000000:Jobs", "eu-west-1");
        assert_eq!(made["messageId"], "1");
        assert_eq!(made["eventSource"], "aws:sqs");
        assert_eq!(made["messageAttributes"]["a"]["stringValue"], "b");
        assert_eq!(made["messageAttributes"]["a"]["dataType"], "String");
    }

    #[test]
    fn with_sqs_filtering_only_objects_are_parsed() {
        assert_eq!(filterable(&json!({"body": r#"{"a": 1}"#})), json!({"body": {"a": 1}}));
        for body in ["text", "42", "[1]", "{broken"] {
            assert_eq!(filterable(&json!({"body": body})), json!({"body": body}));
        }
    }
}
