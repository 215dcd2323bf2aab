//! Destinations of asynchronous invocations.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>: a destination receives a record
//! of the invocation with its payload; a dead-letter queue receives the event itself.

use aws_sdk_sqs::{
    Client, operation::send_message::builders::SendMessageFluentBuilder, types::MessageAttributeValue,
};
use embedded_dynamodb::error_chain;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::attempts::Condition;
use crate::{
    invocation::{Invocation, Outcome},
    report::Report,
};

/// The largest error message in a dead-letter queue, in bytes.
const LARGEST_ERROR: usize = 1024;

/// The URLs of a function's destination queues.
#[derive(Clone, Debug, Default)]
pub struct Destinations {
    /// Receives records of events that were handled.
    pub on_success: Option<String>,
    /// Receives records of events that were discarded.
    pub on_failure: Option<String>,
    /// Receives the events that were discarded.
    pub dead_letter_queue: Option<String>,
}

/// An event that was handled or discarded.
pub(super) struct FinishedEvent<'a> {
    pub(super) invocation: &'a Invocation,
    /// The outcome of the last attempt.
    pub(super) outcome: &'a Outcome,
    pub(super) function_arn: &'a str,
    pub(super) condition: Condition,
    /// How often the function has run.
    pub(super) invocations: u32,
}

impl Destinations {
    /// Sends the event, or a record of it, to the destinations for its condition.
    pub(super) async fn send(&self, event: &FinishedEvent<'_>, client: &Client, report: &Report) {
        let succeeded = event.condition == Condition::Success;
        if let Some(url) = if succeeded { &self.on_success } else { &self.on_failure } {
            let record = event.record().to_string();
            send(client.send_message().queue_url(url).message_body(record), report).await;
        }
        if let Some(url) = self.dead_letter_queue.as_ref().filter(|_| !succeeded) {
            send(event.dead_letter(client.send_message().queue_url(url)), report).await;
        }
    }
}

async fn send(request: SendMessageFluentBuilder, report: &Report) {
    if let Err(error) = request.send().await {
        report.note(&format!("cannot send an event to its destination: {}", error_chain(&error)));
    }
}

impl FinishedEvent<'_> {
    fn record(&self) -> Value {
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let mut record = json!({
            "version": "1.0",
            "timestamp": format!("{:.3}", Timestamp::now()),
            "requestContext": {
                "requestId": self.invocation.request_id,
                "functionArn": format!("{}:$LATEST", self.function_arn),
                "condition": self.condition.as_str(),
                "approximateInvokeCount": self.invocations,
            },
            "requestPayload": json(&self.invocation.payload),
        });
        let executed = json!({"statusCode": 200, "executedVersion": "$LATEST"});
        match self.outcome {
            Outcome::Response(response) => {
                record["responseContext"] = executed;
                record["responsePayload"] = json(response);
            }
            Outcome::Error(error) => {
                record["responseContext"] = executed;
                record["responseContext"]["functionError"] = json!("Unhandled");
                record["responsePayload"] = json(error);
            }
            // The function has not run: there is no response.
            Outcome::Throttled => {}
        }
        record
    }

    fn dead_letter(&self, request: SendMessageFluentBuilder) -> SendMessageFluentBuilder {
        let (code, mut message) = match self.outcome {
            Outcome::Throttled => ("429", "Rate Exceeded.".to_owned()),
            outcome => ("200", outcome.error_message().unwrap_or_default()),
        };
        message.truncate(message.floor_char_boundary(LARGEST_ERROR));
        let id = self.invocation.request_id.to_string();
        let attributes = [
            ("RequestID", "String", id),
            ("ErrorCode", "Number", code.to_owned()),
            ("ErrorMessage", "String", message),
        ];
        let request = request.message_body(String::from_utf8_lossy(&self.invocation.payload));
        attributes.into_iter().fold(request, |request, (name, kind, value)| {
            // An attribute cannot be empty.
            let attribute = MessageAttributeValue::builder().data_type(kind).string_value(value).build().ok();
            match attribute.filter(|attribute| attribute.string_value().is_some_and(|text| !text.is_empty()))
            {
                Some(attribute) => request.message_attributes(name, attribute),
                None => request,
            }
        })
    }
}
