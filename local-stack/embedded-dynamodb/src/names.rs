//! The names that AWS would give: ARNs in the stack's region, and ids of shards that SDKs accept.
//!
//! dynoxide says `dynoxide` for the region, and `shardId-00000001-TABLE`, which botocore finds too short: an id has at
//! least 28 characters (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Shard.html>).

use dynoxide::streams::LOCAL_REGION;

/// The start of a shard's id here, and at dynoxide.
const SHARD: (&str, &str) = ("shardId-00000000000000000001-", "shardId-00000001-");

/// Translates names in the bodies of requests and responses.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The start of an ARN here, and at dynoxide.
    arn: (String, String),
    /// The region of a stream record, as it is written in JSON, here and at dynoxide.
    record: (String, String),
}

impl Names {
    pub(crate) fn new(region: &str) -> Self {
        let arn = |region| format!("arn:aws:dynamodb:{region}:");
        let record = |region| format!(r#""awsRegion":"{region}""#);
        Self { arn: (arn(region), arn(LOCAL_REGION)), record: (record(region), record(LOCAL_REGION)) }
    }

    /// The body of a request as dynoxide understands it; none if it is the same.
    pub(crate) fn request(&self, operation: &str, body: &str) -> Option<String> {
        if !describes(operation) {
            return None;
        }
        let translated = body.replace(&self.arn.0, &self.arn.1).replace(SHARD.0, SHARD.1);
        (translated != body).then_some(translated)
    }

    /// The body of a response as AWS would write it; none if it is the same.
    pub(crate) fn response(&self, operation: &str, body: &str) -> Option<String> {
        let translated = match operation {
            // In the text of an attribute, the quotes of this pattern would be escaped.
            "GetRecords" => body.replace(&self.record.1, &self.record.0),
            _ if describes(operation) => body.replace(&self.arn.1, &self.arn.0).replace(SHARD.1, SHARD.0),
            _ => return None,
        };
        (translated != body).then_some(translated)
    }
}

/// Whether an operation has names of tables, streams and shards, and no items whose content must not change.
fn describes(operation: &str) -> bool {
    const OPERATIONS: [&str; 11] = [
        "CreateTable",
        "DeleteTable",
        "DescribeTable",
        "UpdateTable",
        "ListStreams",
        "DescribeStream",
        "GetShardIterator",
        "TagResource",
        "UntagResource",
        "ListTagsOfResource",
        "DescribeTimeToLive",
    ];
    OPERATIONS.contains(&operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_streams_shard_ids_have_at_least_28_characters() {
        let names = Names::new("eu-central-1");
        let body = r#"{"ShardId":"shardId-00000001-abc"}"#;
        let translated = names.response("DescribeStream", body).unwrap();
        assert_eq!(translated, r#"{"ShardId":"shardId-00000000000000000001-abc"}"#);
        assert!(SHARD.0.len() >= 28);
        assert_eq!(names.request("GetShardIterator", &translated).as_deref(), Some(body));
    }

    #[test]
    fn items_are_not_changed() {
        let names = Names::new("eu-central-1");
        let item = r#"{"Item":{"a":{"S":"arn:aws:dynamodb:dynoxide:1:table/a \"awsRegion\":\"dynoxide\""}}}"#;
        for operation in ["GetItem", "Query", "GetRecords"] {
            assert_eq!(names.response(operation, item), None, "{operation}");
        }
        assert_eq!(names.request("PutItem", &item.replace("dynoxide", "eu-central-1")), None);
    }
}
