//! Counts what calls to SQS are billed as.

use serde_json::Value;

use crate::units;

/// What a call to SQS was billed as.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) queue: Option<String>,
    pub(crate) requests: u64,
}

/// Counts a call that SQS answered, with an error or without: AWS counts every action. What SQS itself failed to do is
/// not counted; AWS's pages do not say.
pub(crate) fn count(operation: &str, request: &[u8], status: u16, answer: &[u8]) -> Counted {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let queue = queue(&request);
    if status >= 500 {
        return Counted { queue, requests: 0 };
    }
    let payload = match operation {
        "SendMessage" => message(&request, "MessageBody"),
        "SendMessageBatch" => messages(&request["Entries"], "MessageBody"),
        "ReceiveMessage" => {
            let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
            messages(&answer["Messages"], "Body")
        }
        _ => 0,
    };
    Counted { queue, requests: units::sqs_requests(payload) }
}

/// The name of the queue that a request is for.
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

    fn requests(operation: &str, request: &Value, answer: &Value) -> u64 {
        count(operation, request.to_string().as_bytes(), 200, answer.to_string().as_bytes()).requests
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
        let counted = count("DeleteMessage", request.as_bytes(), 200, b"{}");
        assert_eq!(counted, Counted { queue: Some("jobs.fifo".to_owned()), requests: 1 });
        assert_eq!(count("DeleteMessage", request.as_bytes(), 503, b"{}").requests, 0);
    }
}
