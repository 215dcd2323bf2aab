//! Who hears of an event's end.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>: a destination gets a record of
//! the invocation with its payload; a dead-letter queue gets the event itself.

use aws_sdk_sqs::{
    operation::send_message::builders::SendMessageFluentBuilder, types::MessageAttributeValue,
};
use embedded_dynamodb::error_chain;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AsyncInvocations, Condition, End, Rules};
use crate::{invocation::Outcome, pool::Pool};

/// The largest error message of a dead letter, in bytes.
const LARGEST_ERROR: usize = 1024;

/// URLs of queues.
#[derive(Clone, Debug, Default)]
pub struct Destinations {
    /// Gets records of events that were handled.
    pub on_success: Option<String>,
    /// Gets records of events that were given up.
    pub on_failure: Option<String>,
    /// Gets events that were given up.
    pub dead_letter_queue: Option<String>,
}

impl AsyncInvocations {
    pub(super) async fn tell(&self, function: &Pool, rules: &Rules, end: &End<'_>) {
        let Destinations { on_success, on_failure, dead_letter_queue } = &rules.destinations;
        let succeeded = end.condition == Condition::Success;
        if let Some(url) = if succeeded { on_success } else { on_failure } {
            let record = end.record(&function.arn()).to_string();
            self.send(self.client.send_message().queue_url(url).message_body(record)).await;
        }
        if let Some(url) = dead_letter_queue.as_ref().filter(|_| !succeeded) {
            self.send(end.dead_letter(self.client.send_message().queue_url(url))).await;
        }
    }

    async fn send(&self, request: SendMessageFluentBuilder) {
        if let Err(error) = request.send().await {
            self.report
                .note(&format!("cannot tell a destination how an event ended: {}", error_chain(&error)));
        }
    }
}

impl End<'_> {
    fn record(&self, function_arn: &str) -> Value {
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let mut record = json!({
            "version": "1.0",
            "timestamp": format!("{:.3}", Timestamp::now()),
            "requestContext": {
                "requestId": self.invocation.request_id,
                "functionArn": format!("{function_arn}:$LATEST"),
                "condition": self.condition.as_str(),
                "approximateInvokeCount": self.attempts.invocations,
            },
            "requestPayload": json(&self.invocation.payload),
        });
        let executed = json!({"statusCode": 200, "executedVersion": "$LATEST"});
        match &self.invoked.outcome {
            Outcome::Response(answer) => {
                record["responseContext"] = executed;
                record["responsePayload"] = json(answer);
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
        let (code, mut message) = match &self.invoked.outcome {
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
