//! The on-failure destination, which receives the position of discarded records in the stream, not the records.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    mapping::{Item, Mapping, OnFailure},
    retries::DiscardedRecords,
};

impl Mapping {
    /// Sends the position of discarded records to the on-failure destination.
    pub(super) async fn report_discarded(&self, shard: &str, discarded: &DiscardedRecords) {
        let (count, why) = (discarded.items.len(), discarded.condition.as_str());
        self.target.report.note(&format!("{count} records of {} are discarded: {why}", self.stream.arn));
        let Some(OnFailure { client, url }) = &self.stream.on_failure else { return };
        let message = self.message(shard, discarded).to_string();
        if let Err(error) = client.send_message().queue_url(url).message_body(message).send().await {
            self.report_error("report discarded records of", &error);
        }
    }

    fn message(&self, shard: &str, discarded: &DiscardedRecords) -> Value {
        let (first, last) = (discarded.items.first(), discarded.items.last());
        let arrival = |item: Option<&Item>| item.map(|item| seconds(item.created));
        let mut message = json!({
            "requestContext": {
                "requestId": uuid::Uuid::new_v4(),
                "functionArn": self.target.function.arn(),
                "condition": discarded.condition.as_str(),
                "approximateInvokeCount": discarded.invocations,
            },
            "version": "1.0",
            "timestamp": format!("{:.3}", Timestamp::now()),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first.map(|item| &item.sequence_number),
                "endSequenceNumber": last.map(|item| &item.sequence_number),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": discarded.items.len(),
                "streamArn": self.stream.arn,
            },
        });
        if discarded.invocations > 0 {
            message["responseContext"] =
                json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"});
        }
        message
    }
}

/// `2019-11-14T00:13:19Z`
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
