//! SQS messages: every entry of a batch is accounted for when it is sent or received.

use std::{collections::HashMap, time::Duration};

use aws_sdk_sqs::{
    Client,
    error::BuildError,
    operation::send_message_batch::SendMessageBatchOutput,
    types::{MessageAttributeValue, SendMessageBatchRequestEntry},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{Deadline, Error, json};

/// The maximum number of entries of one `SendMessageBatch`.
const MAX_BATCH_SIZE: usize = 10;
/// The longest visibility timeout that SQS accepts: 12 hours.
const MAX_VISIBILITY_TIMEOUT: u32 = 12 * 60 * 60;

/// The message attribute that carries [`OutgoingMessage::correlation_id`].
const CORRELATION_ID: &str = "correlation_id";

/// A message to send.
#[derive(Clone, Debug)]
pub struct OutgoingMessage {
    /// The body that the receiver reads.
    pub body: String,
    /// Links the log lines of everything that one request causes.
    pub correlation_id: Option<String>,
}

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Sends messages in batches of ten. The result has one entry for each message, in order: an error for each one that SQS
    /// did not accept.
    pub async fn send(&self, messages: &[OutgoingMessage], deadline: Deadline) -> Vec<Result<(), Error>> {
        let mut results = Vec::with_capacity(messages.len());
        for chunk in messages.chunks(MAX_BATCH_SIZE) {
            results.extend(self.send_chunk(chunk, deadline).await);
        }
        results
    }

    async fn send_chunk(&self, messages: &[OutgoingMessage], deadline: Deadline) -> Vec<Result<(), Error>> {
        let failed = |why: &str| Err(Error::unavailable("SQS", why));
        let entries: Result<Vec<_>, _> =
            messages.iter().enumerate().map(|(index, message)| entry(index, message)).collect();
        let request = match entries {
            Ok(entries) => self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)),
            Err(error) => return messages.iter().map(|_| failed(&error.to_string())).collect(),
        };
        match deadline.send("SQS", request.send()).await {
            Ok(output) => outcomes(messages.len(), &output),
            Err(error) => messages.iter().map(|_| failed(&error.to_string())).collect(),
        }
    }

    /// Sets the visibility timeout of a received message, so that it is received again after a pause that doubles with each
    /// receive, up to `max_seconds`, with jitter. If a dependency asked to wait, the pause is at least as long, within the
    /// same maximum.
    ///
    /// # Errors
    /// When SQS does not accept the change; then the visibility timeout stays as it is, and nothing is lost.
    pub async fn retry_later(
        &self,
        message: &Message,
        max_seconds: u32,
        retry_after: Option<Duration>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let Some(handle) = &message.receipt_handle else {
            return Ok(());
        };
        let seconds = pause_seconds(message.receive_count(), max_seconds, retry_after);
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(handle)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX));
        deadline.send("SQS", request.send()).await.map(|_| ())
    }

    /// Reads an attribute of the queue, to check that the queue exists and responds.
    ///
    /// # Errors
    /// When SQS does not respond or the queue does not exist.
    pub async fn check(&self, deadline: Deadline) -> Result<(), Error> {
        let request = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(aws_sdk_sqs::types::QueueAttributeName::QueueArn);
        deadline.send("SQS", request.send()).await.map(|_| ())
    }
}

/// The result of each of `count` entries. An entry counts as sent only if the response lists its id as successful.
fn outcomes(count: usize, output: &SendMessageBatchOutput) -> Vec<Result<(), Error>> {
    let failed = |why: &str| Err(Error::unavailable("SQS", why));
    let mut results: Vec<_> = (0..count).map(|_| failed("the response does not name this entry")).collect();
    for sent in output.successful() {
        set(&mut results, sent.id(), Ok(()));
    }
    for entry in output.failed() {
        let why = format!("{}: {}", entry.code(), entry.message().unwrap_or_default());
        set(&mut results, entry.id(), failed(&why));
    }
    results
}

fn entry(index: usize, message: &OutgoingMessage) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(&message.body);
    match &message.correlation_id {
        Some(id) => {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(id).build()?;
            entry.message_attributes(CORRELATION_ID, attribute).build()
        }
        None => entry.build(),
    }
}

fn set(results: &mut [Result<(), Error>], id: &str, result: Result<(), Error>) {
    if let Some(slot) = id.parse::<usize>().ok().and_then(|index| results.get_mut(index)) {
        *slot = result;
    }
}

/// A random pause between one half and the whole of 1, 2, 4, ... seconds for the first, second, third receive; at least
/// `retry_after` and a random part of that pause, so that messages that wait together do not come back together. Never more
/// than the maximum.
fn pause_seconds(receive_count: u32, max_seconds: u32, retry_after: Option<Duration>) -> u32 {
    let most = max_seconds.min(MAX_VISIBILITY_TIMEOUT);
    let doubled = 1u32.checked_shl(receive_count.saturating_sub(1)).unwrap_or(u32::MAX).min(most);
    let pause = fastrand::u32(doubled.div_ceil(2)..=doubled);
    let asked = retry_after.map_or(0, |time| {
        let seconds = u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        seconds.saturating_add(fastrand::u32(0..=pause))
    });
    pause.max(asked).min(most)
}

/// A received message, as Lambda passes it to the function.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Identifies the message in a batch response.
    pub message_id: String,
    /// The body that the sender wrote.
    #[serde(default)]
    pub body: String,
    receipt_handle: Option<String>,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    message_attributes: HashMap<String, MessageAttribute>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageAttribute {
    string_value: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    approximate_receive_count: Option<String>,
}

impl Message {
    /// Reads an SQS record of a Lambda event.
    ///
    /// # Errors
    /// When it has no message id.
    pub fn read(record: Value) -> Result<Self, Error> {
        json::from_value(record).map_err(|error| Error::unreadable("an SQS record", error))
    }

    /// The id that links the log lines of everything that the original request caused.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.message_attributes.get(CORRELATION_ID)?.string_value.as_deref()
    }

    /// The number of times that the message has been received, this one included.
    #[must_use]
    pub fn receive_count(&self) -> u32 {
        self.attributes.approximate_receive_count.as_deref().and_then(|text| text.parse().ok()).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_sqs_names_as_sent_counts_as_sent() {
        let sent =
            |id: &str| SendMessageBatchResultEntry::builder().id(id).message_id("m").md5_of_message_body("x");
        let refused = BatchResultErrorEntry::builder().id("1").code("ServiceUnavailable").sender_fault(false);
        let output = SendMessageBatchOutput::builder()
            .successful(sent("2").build().unwrap())
            .successful(sent("9").build().unwrap())
            .failed(refused.build().unwrap())
            .build()
            .unwrap();
        let results = outcomes(3, &output);
        let reason = |index: usize| results[index].as_ref().unwrap_err().to_string();
        assert!(reason(0).contains("does not name"), "neither sent nor refused: {results:?}");
        assert!(reason(1).contains("ServiceUnavailable"), "refused: {results:?}");
        assert!(results[2].is_ok() && results.len() == 3, "sent: {results:?}");
    }

    #[test]
    fn reads_what_lambda_sends() {
        let record = serde_json::json!({"messageId": "m-1", "receiptHandle": "h", "body": "{}",
            "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1"}, "eventSource": "aws:sqs",
            "messageAttributes": {"correlation_id": {"stringValue": "c-1", "dataType": "String", "binaryListValues": []}}});
        let message = Message::read(record).unwrap();
        assert_eq!(message.correlation_id(), Some("c-1"));
        assert_eq!((message.message_id.as_str(), message.receive_count()), ("m-1", 3));
    }

    proptest! {
        #[test]
        fn a_pause_is_as_long_as_the_dependency_asks(count: u32, ceiling in 1u32..=100_000, asked in 0u64..200_000) {
            let pause = pause_seconds(count, ceiling, Some(Duration::from_millis(asked)));
            let most = ceiling.min(MAX_VISIBILITY_TIMEOUT);
            prop_assert!(pause >= 1 && pause <= most);
            prop_assert!(u64::from(pause) * 1000 >= asked.min(u64::from(most) * 1000));
            if count == 1 {
                prop_assert!(u64::from(pause) * 1000 <= asked + 2000, "the pause of a first receive is short");
            }
        }

        #[test]
        fn pauses_grow_and_stay_below_the_ceiling(count: u32, ceiling in 1u32..=100_000) {
            let pause = pause_seconds(count, ceiling, None);
            prop_assert!(pause >= 1 && pause <= ceiling.min(MAX_VISIBILITY_TIMEOUT));
            if count == 3 && ceiling >= 4 {
                prop_assert!((2..=4).contains(&pause));
            }
        }
    }
}
