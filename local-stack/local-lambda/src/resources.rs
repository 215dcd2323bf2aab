//! Creates the tables and queues that the template declares, on any DynamoDB and SQS.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use aws_sdk_sqs::{
    Client, error::SdkError, operation::get_queue_url::GetQueueUrlError, types::QueueAttributeName as Name,
};
use embedded_dynamodb::error_chain;
use sam_template::{Queue, Template};
use serde_json::json;

use crate::{aws_account::AwsAccount, error::Error, resource_ids::ResourceIds};

/// Creates the tables and queues that do not exist, and returns the identifiers of all of the template's resources.
///
/// # Errors
/// When DynamoDB or SQS rejects a call.
pub async fn create(
    template: &Template,
    account: AwsAccount,
    dynamodb: &aws_sdk_dynamodb::Client,
    sqs: &Client,
) -> Result<ResourceIds, Error> {
    let tables = embedded_dynamodb::ensure_tables(dynamodb, template).await?;
    let streams = embedded_dynamodb::stream_arns(dynamodb, template).await?;
    let queue_urls = ensure_queues(sqs, template, &account).await?;
    let queues = template.queues.iter().map(|queue| (queue.logical_id.clone(), queue.name.clone()));
    let functions =
        template.functions.iter().map(|function| (function.logical_id.clone(), function.name.clone()));
    Ok(ResourceIds {
        account,
        tables,
        streams,
        queue_names: queues.collect(),
        queue_urls,
        functions: functions.collect(),
    })
}

/// Creates the queues that do not exist, dead-letter queues first, and sets the template's attributes on all of them.
/// The result is the URL of each by its logical id.
async fn ensure_queues(
    client: &Client,
    template: &Template,
    account: &AwsAccount,
) -> Result<BTreeMap<String, String>, Error> {
    let mut urls = BTreeMap::new();
    let (sources, targets): (Vec<_>, Vec<_>) =
        template.queues.iter().partition(|queue| queue.redrive.is_some());
    for queue in targets.into_iter().chain(sources) {
        let url = match client.get_queue_url().queue_name(&queue.name).send().await {
            Ok(response) => response.queue_url,
            Err(error) if error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist) => {
                let attributes = creation_attributes(queue);
                let request = client.create_queue().queue_name(&queue.name).set_attributes(attributes);
                request.send().await.map_err(|error| failed("create", queue, &error))?.queue_url
            }
            Err(error) => return Err(failed("find", queue, &error)),
        };
        let url = url.ok_or_else(|| Error::Sqs {
            action: format!("find the queue {}", queue.name),
            cause: "the response has no URL".to_owned(),
        })?;
        let attributes = attributes(queue, template, account);
        let request = client.set_queue_attributes().queue_url(&url).set_attributes(Some(attributes));
        request.send().await.map_err(|error| failed("configure", queue, &error))?;
        urls.insert(queue.logical_id.clone(), url);
    }
    Ok(urls)
}

fn creation_attributes(queue: &Queue) -> Option<HashMap<Name, String>> {
    // ElasticMQ accepts ContentBasedDeduplication at creation only.
    queue.fifo.then(|| {
        HashMap::from([
            (Name::FifoQueue, "true".to_owned()),
            (Name::ContentBasedDeduplication, queue.content_based_deduplication.to_string()),
        ])
    })
}

fn attributes(queue: &Queue, template: &Template, account: &AwsAccount) -> HashMap<Name, String> {
    let mut attributes = HashMap::from([
        (Name::VisibilityTimeout, queue.visibility_timeout.as_secs().to_string()),
        (Name::MessageRetentionPeriod, queue.retention.as_secs().to_string()),
        (Name::DelaySeconds, queue.delay.as_secs().to_string()),
        (Name::ReceiveMessageWaitTimeSeconds, queue.receive_wait.as_secs().to_string()),
    ]);
    if let Some(redrive) = &queue.redrive {
        let target = template.queues.iter().find(|queue| queue.logical_id == redrive.dead_letter_queue);
        let arn = target.map(|target| account.arn("sqs", &target.name)).unwrap_or_default();
        let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": redrive.max_receive_count});
        attributes.insert(Name::RedrivePolicy, policy.to_string());
    }
    attributes
}

fn failed<E, R>(action: &str, queue: &Queue, error: &SdkError<E, R>) -> Error
where
    E: std::error::Error + 'static,
    R: Debug + 'static,
{
    Error::Sqs { action: format!("{action} the queue {}", queue.name), cause: error_chain(error) }
}
