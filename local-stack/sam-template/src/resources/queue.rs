//! `AWS::SQS::Queue`
//!
//! The bounds: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>

use std::time::Duration;

use super::properties;
use crate::{
    error::Position,
    evaluate::Scope,
    members::{Known, Members},
    node::Entry,
};

/// A queue. Defaults are those of SQS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name in the template.
    pub logical_id: String,
    /// `QueueName`, or else the logical id (with `.fifo` for a FIFO queue).
    pub name: String,
    /// The place of its declaration.
    pub at: Position,
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
    /// The place of the reference to it.
    pub at: Position,
    /// The number of receives after which a message goes there.
    pub max_receive_count: u32,
}

const KNOWN: Known = Known {
    of: "a queue",
    supported: &[
        "ContentBasedDeduplication",
        "DelaySeconds",
        "FifoQueue",
        "MessageRetentionPeriod",
        "QueueName",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "VisibilityTimeout",
    ],
    ignored: &[
        "FifoThroughputLimit",
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "RedriveAllowPolicy",
        "SqsManagedSseEnabled",
        "Tags",
    ],
    hints: &[
        ("DeduplicationScope", "messages are deduplicated in the whole queue; leave it out"),
        ("MaximumMessageSize", "every queue takes messages of the same size; leave it out"),
    ],
};

const REDRIVE: Known = Known {
    of: "RedrivePolicy",
    supported: &["deadLetterTargetArn", "maxReceiveCount"],
    ignored: &[],
    hints: &[],
};

impl Queue {
    pub(crate) fn read(scope: &Scope<'_>, Entry { key: id, at, node: resource }: &Entry) -> Self {
        let node = properties(scope, resource.get("Properties"), *at, &KNOWN);
        let queue = Members { node: &node, notes: &scope.notes };
        let seconds = |key: &str, default: u32, range| {
            Duration::from_secs(queue.within(key, range).unwrap_or(default).into())
        };
        let fifo = queue.boolean("FifoQueue").unwrap_or(false);
        let content_based_deduplication = queue.boolean("ContentBasedDeduplication").unwrap_or(false);
        if let Some(node) =
            queue.get("ContentBasedDeduplication").filter(|_| content_based_deduplication && !fifo)
        {
            queue.problem(
                node,
                "ContentBasedDeduplication is for FIFO queues: set FifoQueue, or leave it out",
            );
        }
        Self {
            logical_id: id.clone(),
            name: name(queue, id, fifo),
            at: *at,
            fifo,
            content_based_deduplication,
            visibility_timeout: seconds("VisibilityTimeout", 30, 0..=43_200),
            retention: seconds("MessageRetentionPeriod", 4 * 24 * 60 * 60, 60..=1_209_600),
            delay: seconds("DelaySeconds", 0, 0..=900),
            receive_wait: seconds("ReceiveMessageWaitTimeSeconds", 0, 0..=20),
            redrive: queue.members("RedrivePolicy").and_then(redrive),
        }
    }
}

/// "A queue name can have up to 80 characters: alphanumeric characters, hyphens and underscores", and "the name of a FIFO
/// queue must end with the .fifo suffix".
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
fn name(queue: Members<'_>, id: &str, fifo: bool) -> String {
    let Some(name) = queue.text("QueueName") else {
        return if fifo { format!("{id}.fifo") } else { id.to_owned() };
    };
    let stem = name.strip_suffix(".fifo");
    let letters =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let rule = if stem.is_some() != fifo {
        "the name of a FIFO queue ends in .fifo, and no other does"
    } else if !letters(stem.unwrap_or(name)) || name.is_empty() || name.len() > 80 {
        "1 to 80 letters, digits, hyphens and underscores"
    } else {
        return name.to_owned();
    };
    if let Some(node) = queue.get("QueueName") {
        queue.problem(node, format!("{name} is not a name of this queue: {rule}"));
    }
    name.to_owned()
}

fn redrive(policy: Members<'_>) -> Option<RedrivePolicy> {
    let policy = policy.check(&REDRIVE);
    let target = policy.referenced("deadLetterTargetArn");
    policy.require("maxReceiveCount");
    let max_receive_count = policy.within("maxReceiveCount", 1..=1000);
    let target = target?;
    Some(RedrivePolicy {
        dead_letter_queue: target.text,
        at: target.at,
        max_receive_count: max_receive_count?,
    })
}
