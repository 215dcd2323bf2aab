//! From the template's queues to real ones, on whatever SQS there is.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use aws_sdk_sqs::{Client, error::SdkError, types::QueueAttributeName as Name};
use embedded_dynamodb::error_chain;
use sam_template::{Queue, Template};
use serde_json::json;

use crate::{error::Error, resource_ids::ResourceIds};

/// Creates the queues that are missing, dead-letter queues first, and gives all of them the template's settings. The
/// result names the URL of each by its logical id.
///
/// # Errors
/// When the SQS endpoint refuses.
pub async fn ensure_queues(
    client: &Client,
    template: &Template,
    resource_ids: &ResourceIds,
) -> Result<BTreeMap<String, String>, Error> {
    let mut urls = BTreeMap::new();
    let (sources, targets): (Vec<_>, Vec<_>) =
        template.queues.iter().partition(|queue| queue.redrive.is_some());
    for queue in targets.into_iter().chain(sources) {
        let url = match client.get_queue_url().queue_name(&queue.name).send().await {
            Ok(answer) => answer.queue_url,
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError::is_queue_does_not_exist,
                ) =>
            {
                let attributes = at_creation(queue);
                let request = client.create_queue().queue_name(&queue.name).set_attributes(attributes);
                request.send().await.map_err(|error| failed("create", queue, &error))?.queue_url
            }
            Err(error) => return Err(failed("find", queue, &error)),
        };
        let url = url.ok_or_else(|| Error::Sqs {
            action: format!("find the queue {}", queue.name),
            cause: "it answers no URL".to_owned(),
        })?;
        let request =
            client.set_queue_attributes().queue_url(&url).set_attributes(Some(settings(queue, resource_ids)));
        request.send().await.map_err(|error| failed("configure", queue, &error))?;
        urls.insert(queue.logical_id.clone(), url);
    }
    Ok(urls)
}

fn at_creation(queue: &Queue) -> Option<HashMap<Name, String>> {
    // ElasticMQ takes the second at creation only.
    queue.fifo.then(|| {
        HashMap::from([
            (Name::FifoQueue, "true".to_owned()),
            (Name::ContentBasedDeduplication, queue.content_based_deduplication.to_string()),
        ])
    })
}

fn settings(queue: &Queue, resource_ids: &ResourceIds) -> HashMap<Name, String> {
    let mut settings = HashMap::from([
        (Name::VisibilityTimeout, queue.visibility_timeout.as_secs().to_string()),
        (Name::MessageRetentionPeriod, queue.retention.as_secs().to_string()),
        (Name::DelaySeconds, queue.delay.as_secs().to_string()),
        (Name::ReceiveMessageWaitTimeSeconds, queue.receive_wait.as_secs().to_string()),
    ]);
    if let Some(redrive) = &queue.redrive {
        let target = resource_ids.queue_arn(&redrive.dead_letter_queue).unwrap_or_default();
        let policy = json!({"deadLetterTargetArn": target, "maxReceiveCount": redrive.max_receive_count});
        settings.insert(Name::RedrivePolicy, policy.to_string());
    }
    settings
}

fn failed<E, R>(action: &str, queue: &Queue, error: &SdkError<E, R>) -> Error
where
    E: std::error::Error + 'static,
    R: Debug + 'static,
{
    Error::Sqs { action: format!("{action} the queue {}", queue.name), cause: error_chain(error) }
}
