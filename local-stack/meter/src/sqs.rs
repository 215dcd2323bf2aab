//! Meters API requests to SQS.

use serde_json::Value;

use crate::rules;

/// What an API call to SQS is billed as.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Metered {
    pub(crate) queue: Option<String>,
    pub(crate) requests: u64,
}

/// AWS bills every API request, also one that returns a client error. A server error (5xx) is not counted here: AWS's
/// pages do not say whether it is billed.
pub(crate) fn meter(operation: &str, request: &[u8], status: u16, response: &[u8]) -> Metered {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let queue = queue(&request);
    if status >= 500 {
        return Metered { queue, requests: 0 };
    }
    let payload = match operation {
        "SendMessage" => message(&request, "MessageBody"),
        "SendMessageBatch" => messages(&request["Entries"], "MessageBody"),
        "ReceiveMessage" => {
            let response: Value = serde_json::from_slice(response).unwrap_or_default();
            messages(&response["Messages"], "Body")
        }
        _ => 0,
    };
    Metered { queue, requests: rules::sqs_requests(payload) }
}

/// The name of the queue that a request names.
pub(crate) fn queue(request: &Value) -> Option<String> {
    let queue = request["QueueUrl"].as_str().or_else(|| request["QueueName"].as_str());
    queue.and_then(|url| url.rsplit('/').next()).map(str::to_owned)
}

fn messages(list: &Value, body: &str) -> u64 {
    list.as_array().into_iter().flatten().map(|one| message(one, body)).sum()
}

/// A message's payload: its body and its attributes' names, types and values.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
fn message(message: &Value, body: &str) -> u64 {
    let length = |value: &Value| value.as_str().map_or(0, |text| text.len() as u64);
    let attributes = message["MessageAttributes"].as_object().into_iter().flatten();
    let attribute = |(name, value): (&String, &Value)| {
        let binary = length(&value["BinaryValue"]) / 4 * 3;
        name.len() as u64 + length(&value["DataType"]) + length(&value["StringValue"]) + binary
    };
    length(&message[body]) + attributes.map(attribute).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn requests(operation: &str, request: &Value, response: &Value) -> u64 {
        meter(operation, request.to_string().as_bytes(), 200, response.to_string().as_bytes()).requests
    }

    #[test]
    fn sqs_pricing_page_a_batch_is_one_action_with_the_sum_of_its_payloads() {
        let entry = |size: usize| json!({"Id": "1", "MessageBody": "x".repeat(size)});
        assert_eq!(requests("SendMessageBatch", &json!({"Entries": vec![entry(1024); 10]}), &json!({})), 1);
        assert_eq!(
            requests("SendMessageBatch", &json!({"Entries": vec![entry(40 * 1024); 2]}), &json!({})),
            2
        );
    }

    #[test]
    fn sqs_pricing_page_a_receive_counts_what_it_brings() {
        let large = json!({"Messages": [{"Body": "x".repeat(100 * 1024)}, {"Body": "x".repeat(100 * 1024)}]});
        assert_eq!(requests("ReceiveMessage", &json!({}), &large), 4);
        assert_eq!(requests("ReceiveMessage", &json!({}), &json!({})), 1, "empty, long polled or not");
    }

    #[test]
    fn attributes_are_part_of_the_payload() {
        let value = json!({"DataType": "String", "StringValue": "y"});
        let request = json!({"MessageBody": "x".repeat(64 * 1024), "MessageAttributes": {"a": value}});
        assert_eq!(requests("SendMessage", &request, &json!({})), 2);
    }

    #[test]
    fn a_queue_is_named_and_a_failure_of_sqs_is_free() {
        let request = json!({"QueueUrl": "http://127.0.0.1:9324/000000000000/jobs.fifo"}).to_string();
        let metered = meter("DeleteMessage", request.as_bytes(), 200, b"{}");
        assert_eq!(metered, Metered { queue: Some("jobs.fifo".to_owned()), requests: 1 });
        assert_eq!(meter("DeleteMessage", request.as_bytes(), 503, b"{}").requests, 0);
    }
}
