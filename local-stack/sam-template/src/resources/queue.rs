//! `AWS::SQS::Queue`
//!
//! The bounds: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>

use std::time::Duration;

use super::{properties, referenced};
use crate::{error::LineError, evaluate::Scope, node::Node};

/// A queue. Defaults are those of SQS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name in the template.
    pub logical_id: String,
    /// `QueueName`, or else the logical id (with `.fifo` for a FIFO queue).
    pub name: String,
    /// The line of its declaration.
    pub line: usize,
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// Whether a FIFO queue deduplicates by the body.
    pub content_based_deduplication: bool,
    /// The visibility timeout of received messages.
    pub visibility_timeout: Duration,
    /// The retention period of messages.
    pub retention: Duration,
    /// The delay of new messages.
    pub delay: Duration,
    /// The default wait time of a receive.
    pub receive_wait: Duration,
    /// When and where messages go to a dead-letter queue.
    pub redrive: Option<RedrivePolicy>,
}

/// `RedrivePolicy`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedrivePolicy {
    /// Logical id of the dead-letter queue.
    pub dead_letter_queue: String,
    /// The number of receives after which a message goes there.
    pub max_receive_count: u32,
}

impl Queue {
    pub(crate) fn read(scope: &Scope, id: &str, line: usize, resource: &Node) -> Result<Self, LineError> {
        let keys = [
            "QueueName",
            "FifoQueue",
            "ContentBasedDeduplication",
            "VisibilityTimeout",
            "MessageRetentionPeriod",
            "DelaySeconds",
            "ReceiveMessageWaitTimeSeconds",
            "RedrivePolicy",
        ];
        let queue = properties(scope, resource, &keys)?;
        let flag = |key: &str| queue.get(key).map_or(Ok(false), Node::boolean);
        let seconds = |key: &str, default: u32, range| {
            Ok(Duration::from_secs(queue.within(key, range)?.unwrap_or(default).into()))
        };
        let fifo = flag("FifoQueue")?;
        let name = match queue.get("QueueName") {
            Some(name) => name.text()?.to_owned(),
            None if fifo => format!("{id}.fifo"),
            None => id.to_owned(),
        };
        Ok(Self {
            logical_id: id.to_owned(),
            name,
            line,
            fifo,
            content_based_deduplication: flag("ContentBasedDeduplication")?,
            visibility_timeout: seconds("VisibilityTimeout", 30, 0..=43_200)?,
            retention: seconds("MessageRetentionPeriod", 4 * 24 * 60 * 60, 60..=1_209_600)?,
            delay: seconds("DelaySeconds", 0, 0..=900)?,
            receive_wait: seconds("ReceiveMessageWaitTimeSeconds", 0, 0..=20)?,
            redrive: queue.get("RedrivePolicy").map(redrive).transpose()?,
        })
    }
}

fn redrive(policy: &Node) -> Result<RedrivePolicy, LineError> {
    Ok(RedrivePolicy {
        dead_letter_queue: referenced(policy, "deadLetterTargetArn")?,
        max_receive_count: policy.require("maxReceiveCount")?.number_within("maxReceiveCount", 1..=1000)?,
    })
}
