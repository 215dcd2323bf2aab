//! What the on-failure destination hears: where in the stream the records are, not what they hold.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{OnFailure, Stream, retries::GivenUp};

impl Stream {
    /// Reports records that are not tried any more.
    pub(super) async fn give_up(&self, shard: &str, given_up: &GivenUp) {
        let (count, why) = (given_up.items.len(), given_up.condition.as_str());
        self.target.report.note(&format!("{count} records of {} are given up: {why}", self.place.arn));
        let Some(OnFailure { client, url }) = &self.place.on_failure else { return };
        let message = self.message(shard, given_up).to_string();
        if let Err(error) = client.send_message().queue_url(url).message_body(message).send().await {
            self.complain("report records given up from", &error);
        }
    }

    fn message(&self, shard: &str, given_up: &GivenUp) -> Value {
        let (first, last) = (given_up.items.first(), given_up.items.last());
        let arrival = |item: Option<&super::Item>| item.map(|item| seconds(item.created));
        let mut message = json!({
            "requestContext": {
                "requestId": uuid::Uuid::new_v4(),
                "functionArn": self.target.function.arn(),
                "condition": given_up.condition.as_str(),
                "approximateInvokeCount": given_up.invocations,
            },
            "version": "1.0",
            "timestamp": format!("{:.3}", Timestamp::now()),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first.map(|item| &item.sequence_number),
                "endSequenceNumber": last.map(|item| &item.sequence_number),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": given_up.items.len(),
                "streamArn": self.place.arn,
            },
        });
        if given_up.invocations > 0 {
            message["responseContext"] =
                json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"});
        }
        message
    }
}

/// `2019-11-14T00:13:19Z`: arrivals are told to the second.
fn seconds(time: SystemTime) -> String {
    Timestamp::try_from(time)
        .map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn services_dynamodb_errors_arrivals_are_told_to_the_second() {
        assert_eq!(seconds(UNIX_EPOCH + Duration::from_millis(1_573_690_399_717)), "2019-11-14T00:13:19Z");
    }
}
