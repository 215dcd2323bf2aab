//! Queues.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use aws_sdk_sqs::{
    Client,
    error::ProvideErrorMetadata,
    types::{
        Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName as Name,
        SendMessageBatchRequestEntry,
    },
};
use serde_json::json;

use crate::{aws, fresh};

async fn queue(client: &Client, settings: &[(Name, String)]) -> String {
    let settings: HashMap<_, _> = settings.iter().cloned().collect();
    let create = client.create_queue().queue_name(fresh("parity")).set_attributes(Some(settings));
    create.send().await.unwrap().queue_url.unwrap()
}

async fn send(client: &Client, queue: &str) {
    client.send_message().queue_url(queue).message_body("hello").send().await.unwrap();
}

/// The next message, if one comes within the seconds.
async fn receive(client: &Client, queue: &str, seconds: i32) -> Option<Message> {
    let receive = client.receive_message().queue_url(queue).wait_time_seconds(seconds);
    let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
    let response = receive.message_attribute_names("All").send().await.unwrap();
    response.messages.unwrap_or_default().into_iter().next()
}

/// The SDK gives up a call after two seconds, so a longer wait is several.
async fn wait_for(client: &Client, queue: &str) -> Option<Message> {
    for _ in 0..10 {
        if let Some(message) = receive(client, queue, 1).await {
            return Some(message);
        }
    }
    None
}

async fn show(client: &Client, queue: &str, message: &Message, seconds: i32) -> Result<(), String> {
    let change = client.change_message_visibility().queue_url(queue).visibility_timeout(seconds);
    let response = change.set_receipt_handle(message.receipt_handle.clone()).send().await;
    response.map(drop).map_err(|error| error.code().unwrap_or("an error without code").to_owned())
}

fn count(message: &Message) -> &str {
    let counted =
        message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    counted.map_or("not counted", String::as_str)
}

fn timeout(seconds: u32) -> (Name, String) {
    (Name::VisibilityTimeout, seconds.to_string())
}

/// A message that was received from a new queue and is hidden for so many seconds.
async fn hidden(client: &Client, seconds: u32) -> (String, Message) {
    let queue = queue(client, &[timeout(seconds)]).await;
    send(client, &queue).await;
    let message = receive(client, &queue, 1).await.unwrap();
    (queue, message)
}

/// The first of three answers that is `prompt`, or the last: a busy machine makes servers slow, and none makes them quick.
async fn at_best<F: Future<Output = String>>(prompt: &str, ask: impl Fn() -> F) -> String {
    for _ in 0..2 {
        let response = ask().await;
        if response == prompt {
            return response;
        }
    }
    ask().await
}

pub(crate) async fn visibility(url: String) -> String {
    at_best("after it", || visibility_once(url.clone())).await
}

async fn visibility_once(url: String) -> String {
    let client = aws(&url).sqs();
    let (queue, _) = hidden(&client, 1).await;
    let hidden = Instant::now();
    let again = wait_for(&client, &queue).await;
    match (again.is_some(), hidden.elapsed().as_secs_f64()) {
        (false, _) => "it does not".to_owned(),
        (true, seconds) if seconds < 0.9 => "too early".to_owned(),
        (true, seconds) if seconds < 4.0 => "after it".to_owned(),
        (true, _) => "long after it".to_owned(),
    }
}

pub(crate) async fn release(url: String) -> String {
    at_best("there at once", || release_once(url.clone())).await
}

async fn release_once(url: String) -> String {
    let client = aws(&url).sqs();
    let (queue, message) = hidden(&client, 30).await;
    show(&client, &queue, &message, 0).await.unwrap();
    let shown = Instant::now();
    let again = wait_for(&client, &queue).await;
    match (again.is_some(), shown.elapsed()) {
        (false, _) => "it stays hidden".to_owned(),
        (true, time) if time < Duration::from_secs(1) => "there at once".to_owned(),
        (true, _) => "there later".to_owned(),
    }
}

pub(crate) async fn stale_handle(url: String) -> String {
    let client = aws(&url).sqs();
    let (queue, message) = hidden(&client, 30).await;
    show(&client, &queue, &message, 0).await.unwrap();
    let refused = show(&client, &queue, &message, 5).await;
    refused.err().map_or("allowed".to_owned(), |code| code.rsplit('.').next().unwrap_or_default().to_owned())
}

pub(crate) async fn counts(url: String) -> String {
    let client = aws(&url).sqs();
    let queue = queue(&client, &[timeout(30)]).await;
    send(&client, &queue).await;
    let mut counted = Vec::new();
    for _ in 0..3 {
        let message = wait_for(&client, &queue).await.unwrap();
        show(&client, &queue, &message, 0).await.unwrap();
        counted.push(count(&message).to_owned());
    }
    counted.join(", ")
}

/// A message that is received three times from a queue that allows two: what is then in its dead-letter queue.
async fn redriven(url: &str) -> Option<Message> {
    let client = aws(url).sqs();
    let dead = queue(&client, &[timeout(30)]).await;
    let attributes = client.get_queue_attributes().queue_url(&dead).attribute_names(Name::QueueArn);
    let arn = attributes.send().await.unwrap().attributes.unwrap()[&Name::QueueArn].clone();
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 2}).to_string();
    let source = queue(&client, &[timeout(30), (Name::RedrivePolicy, policy)]).await;
    send(&client, &source).await;
    for _ in 0..2 {
        let message = wait_for(&client, &source).await.unwrap();
        show(&client, &source, &message, 0).await.unwrap();
    }
    assert!(receive(&client, &source, 1).await.is_none(), "it came a third time");
    wait_for(&client, &dead).await
}

pub(crate) async fn redrive(url: String) -> String {
    redriven(&url).await.map_or("nowhere", |_| "in the dead-letter queue").to_owned()
}

pub(crate) async fn redriven_count(url: String) -> String {
    match redriven(&url).await.as_ref().map_or("it is not there", count) {
        "1" => "starts again: 1".to_owned(),
        other => format!("goes on: {other}"),
    }
}

pub(crate) async fn attributes(url: String) -> String {
    let client = aws(&url).sqs();
    let queue = queue(&client, &[timeout(30)]).await;
    let id = MessageAttributeValue::builder().data_type("String").string_value("abc").build().unwrap();
    let send = client.send_message().queue_url(&queue).message_body("hello");
    let sent = send.message_attributes("correlation_id", id).send().await.unwrap();
    let message = receive(&client, &queue, 1).await.unwrap();
    let value = message.message_attributes().and_then(|all| all.get("correlation_id"));
    let same = value.and_then(|value| value.string_value()) == Some("abc");
    let digest = sent.md5_of_message_attributes().is_some() && message.md5_of_message_attributes().is_some();
    match (same, digest) {
        (true, true) => "yes",
        (true, false) => "without a digest",
        (false, _) => "no",
    }
    .to_owned()
}

pub(crate) async fn long_poll(url: String) -> String {
    at_best("at once", || long_poll_once(url.clone())).await
}

async fn long_poll_once(url: String) -> String {
    let client = aws(&url).sqs();
    let queue = queue(&client, &[timeout(30)]).await;
    let (poller, polled) = (client.clone(), queue.clone());
    let waiting = tokio::spawn(async move {
        let message = wait_for(&poller, &polled).await;
        message.map(|_| Instant::now())
    });
    // The poll has begun by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let sent = Instant::now();
    send(&client, &queue).await;
    match waiting.await.unwrap() {
        // Had it not, the message would come with the next poll, 0.7 s later.
        Some(heard) if heard - sent < Duration::from_millis(500) => "at once".to_owned(),
        Some(_) => "with the next one".to_owned(),
        None => "never".to_owned(),
    }
}

pub(crate) async fn too_long(url: String) -> String {
    let client = aws(&url).sqs();
    let queue = queue(&client, &[timeout(30)]).await;
    // SQS takes 1 MiB a message, and a batch of as much.
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
    let entry = |id: &str, size: usize| {
        SendMessageBatchRequestEntry::builder().id(id).message_body("x".repeat(size)).build().unwrap()
    };
    let entries = [entry("short", 10), entry("long", 1024 * 1024 + 1)];
    let batch =
        client.send_message_batch().queue_url(&queue).set_entries(Some(entries.to_vec())).send().await;
    match batch {
        Err(_) => "the batch is refused".to_owned(),
        Ok(response) => format!("{} of 2 are taken", response.successful.len()),
    }
}
