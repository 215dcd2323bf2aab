//! What SQS refuses and the embedded server accepts.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>

use std::ops::RangeInclusive;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustack_sqs_model::{
    error::{SqsError, SqsErrorCode},
    operations::SqsOperation as Operation,
};
use serde_json::Value;

const VISIBILITY: RangeInclusive<i64> = 0..=43_200;
const DELAY: RangeInclusive<i64> = 0..=900;
/// "The total size of all messages that you send in a single `SendMessageBatch` call can't exceed 1,048,576 bytes".
const LARGEST_BATCH: usize = 1_048_576;

/// The attributes of queues, and those that a queue has without being given them.
const QUEUE_ATTRIBUTES: [&str; 16] = [
    "All",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];
const OWN_ATTRIBUTES: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Checks the body of a request. What it does not know is left to the server.
pub(super) fn check(operation: Operation, body: &Value) -> Result<(), SqsError> {
    match operation {
        Operation::ReceiveMessage => {
            within(body, "MaxNumberOfMessages", &(1..=10))?;
            within(body, "WaitTimeSeconds", &(0..=20))?;
            within(body, "VisibilityTimeout", &VISIBILITY)
        }
        Operation::SendMessage => within(body, "DelaySeconds", &DELAY),
        Operation::ChangeMessageVisibility => {
            receipt(body)?;
            within(body, "VisibilityTimeout", &VISIBILITY)
        }
        Operation::DeleteMessage => receipt(body),
        Operation::SendMessageBatch => {
            let entries = entries(body)?;
            let sizes = entries.iter().map(|entry| entry["MessageBody"].as_str().map_or(0, str::len));
            if sizes.sum::<usize>() > LARGEST_BATCH {
                let text = format!("Batch requests cannot be longer than {LARGEST_BATCH} bytes.");
                return Err(SqsError::new(SqsErrorCode::BatchRequestTooLong, text));
            }
            Ok(())
        }
        Operation::DeleteMessageBatch | Operation::ChangeMessageVisibilityBatch => entries(body).map(|_| ()),
        Operation::GetQueueAttributes => {
            let names = body["AttributeNames"].as_array().into_iter().flatten().filter_map(Value::as_str);
            known(names.filter(|name| !OWN_ATTRIBUTES.contains(name)))
        }
        Operation::SetQueueAttributes | Operation::CreateQueue => {
            known(body["Attributes"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()))
        }
        _ => Ok(()),
    }
}

fn within(body: &Value, name: &str, range: &RangeInclusive<i64>) -> Result<(), SqsError> {
    match body[name].as_i64() {
        Some(value) if !range.contains(&value) => {
            let (least, most) = (range.start(), range.end());
            Err(SqsError::invalid_parameter_value(format!(
                "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
            )))
        }
        _ => Ok(()),
    }
}

/// A receipt handle of the embedded server is `MESSAGE:TIME:NONCE` in base64.
fn receipt(body: &Value) -> Result<(), SqsError> {
    let Some(handle) = body["ReceiptHandle"].as_str() else { return Ok(()) };
    let decoded = STANDARD.decode(handle).ok().and_then(|text| String::from_utf8(text).ok());
    if decoded.is_some_and(|text| text.split(':').count() == 3) {
        return Ok(());
    }
    let text = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
    Err(SqsError::new(SqsErrorCode::ReceiptHandleIsInvalid, text))
}

/// The entries of a batch, whose ids are well formed.
fn entries(body: &Value) -> Result<&[Value], SqsError> {
    let entries = body["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let well_formed = |id: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=80).contains(&id.len()) && id.chars().all(allowed)
    };
    if entries.iter().filter_map(|entry| entry["Id"].as_str()).all(well_formed) {
        return Ok(entries);
    }
    let text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 \
                letters long.";
    Err(SqsError::new(SqsErrorCode::InvalidBatchEntryId, text))
}

fn known<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), SqsError> {
    match names.find(|name| !QUEUE_ATTRIBUTES.contains(name)) {
        Some(name) => Err(SqsError::invalid_attribute_name(format!("Unknown Attribute {name}."))),
        None => Ok(()),
    }
}
