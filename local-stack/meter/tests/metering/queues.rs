use meter::{Service, Tables, Upstream};

use crate::fixtures::{CALLER, Metered, sqs, sqs_server};

#[tokio::test]
async fn sqs_requests_are_chunks_of_64_kb() {
    let (endpoint, _stop) = sqs_server().await;
    let metered = Metered::before(Service::Sqs, Upstream::new(endpoint), Tables::default()).await;
    let client = sqs(&metered.proxy.endpoint(), CALLER);
    let queue = client.create_queue().queue_name("jobs").send().await.unwrap().queue_url.unwrap();
    metered.calls().await;

    let large = "x".repeat(100 * 1024);
    client.send_message().queue_url(&queue).message_body(&large).send().await.unwrap();
    let call = metered.call().await;
    assert_eq!((call.caller.as_str(), call.operation.as_str()), (CALLER, "SendMessage"));
    assert_eq!((call.resources, call.sqs_requests, call.status), (vec!["jobs".to_owned()], 2, 200));

    let received = client.receive_message().queue_url(&queue).send().await.unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.body(), Some(large.as_str()), "passed on as it is");
    assert_eq!(metered.call().await.sqs_requests, 2);

    let handle = message.receipt_handle().unwrap();
    client.delete_message().queue_url(&queue).receipt_handle(handle).send().await.unwrap();
    assert_eq!(metered.call().await.sqs_requests, 1);

    client.receive_message().queue_url(&queue).wait_time_seconds(1).send().await.unwrap();
    assert_eq!(metered.call().await.sqs_requests, 1, "a long poll that brings nothing");
}

#[tokio::test]
async fn a_long_poll_ends_when_its_caller_leaves() {
    let (endpoint, _stop) = sqs_server().await;
    let metered = Metered::before(Service::Sqs, Upstream::new(endpoint), Tables::default()).await;
    let client = sqs(&metered.proxy.endpoint(), CALLER);
    let queue = client.create_queue().queue_name("jobs").send().await.unwrap().queue_url.unwrap();

    let poll = client.receive_message().queue_url(&queue).wait_time_seconds(20).send();
    let left = tokio::time::timeout(std::time::Duration::from_millis(200), poll).await;
    assert!(left.is_err(), "the queue is empty");
    client.send_message().queue_url(&queue).message_body("x").send().await.unwrap();
    let received = client.receive_message().queue_url(&queue).wait_time_seconds(5).send().await.unwrap();
    assert_eq!(received.messages().len(), 1, "the poll that was given up has taken the message");
}
