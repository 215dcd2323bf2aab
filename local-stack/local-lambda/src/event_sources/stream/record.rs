//! The shape of a stream record in events.

use aws_sdk_dynamodbstreams::types::{AttributeValue, Record};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// The record in the shape of <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>.
#[must_use]
pub fn record(record: &Record, region: &str, stream_arn: &str) -> Value {
    let mut change = Map::new();
    if let Some(stream) = record.dynamodb() {
        if let Some(at) = stream.approximate_creation_date_time() {
            change.insert("ApproximateCreationDateTime".to_owned(), json!(at.secs()));
        }
        for (name, image) in
            [("Keys", stream.keys()), ("NewImage", stream.new_image()), ("OldImage", stream.old_image())]
        {
            if let Some(image) = image.filter(|image| !image.is_empty()) {
                change.insert(name.to_owned(), item(image));
            }
        }
        change.insert("SequenceNumber".to_owned(), json!(stream.sequence_number()));
        change.insert("SizeBytes".to_owned(), json!(stream.size_bytes()));
        change.insert(
            "StreamViewType".to_owned(),
            json!(stream.stream_view_type().map(aws_sdk_dynamodbstreams::types::StreamViewType::as_str)),
        );
    }
    json!({
        "eventID": record.event_id(),
        "eventName": record.event_name().map(aws_sdk_dynamodbstreams::types::OperationType::as_str),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    })
}

fn item(image: &std::collections::HashMap<String, AttributeValue>) -> Value {
    image.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<_, _>>().into()
}

/// DynamoDB's own JSON: `{"S": "text"}`.
fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Bool(truth) => json!({"BOOL": truth}),
        AttributeValue::Null(truth) => json!({"NULL": truth}),
        AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes)}),
        AttributeValue::Ss(texts) => json!({"SS": texts}),
        AttributeValue::Ns(numbers) => json!({"NS": numbers}),
        AttributeValue::Bs(list) => {
            json!({"BS": list.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>()})
        }
        AttributeValue::L(list) => json!({"L": list.iter().map(attribute).collect::<Vec<_>>()}),
        AttributeValue::M(map) => json!({"M": item(map)}),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::types::{OperationType, StreamRecord};

    use super::*;

    #[test]
    fn has_the_shape_that_functions_read() {
        let stream = StreamRecord::builder()
            .keys("id", AttributeValue::S("a".to_owned()))
            .new_image(
                "list",
                AttributeValue::L(vec![AttributeValue::N("1".to_owned()), AttributeValue::Bool(true)]),
            )
            .sequence_number("7")
            .build();
        let made = record(
            &Record::builder().event_name(OperationType::Insert).dynamodb(stream).build(),
            "eu-west-1",
            "arn",
        );
        assert_eq!(made["eventName"], "INSERT");
        assert_eq!(made["dynamodb"]["Keys"], json!({"id": {"S": "a"}}));
        assert_eq!(made["dynamodb"]["NewImage"]["list"], json!({"L": [{"N": "1"}, {"BOOL": true}]}));
        assert_eq!(made["dynamodb"]["SequenceNumber"], "7");
        assert!(made["dynamodb"].get("OldImage").is_none());
    }
}
