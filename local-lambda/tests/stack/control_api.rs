//! What the stack tells about itself.

use serde_json::json;

use crate::harness::{Running, puppet};

const QUEUE: &str = "  Letters: {Type: AWS::SQS::Queue}";

#[tokio::test]
async fn functions_tell_their_environments_and_queues_their_depth() {
    let stack = Running::start(&puppet("      ReservedConcurrentExecutions: 2", QUEUE), &[]).await;
    let slow = json!({"puppet": {"sleep_ms": 400}});
    let (status, ..) = tokio::join!(
        async {
            loop {
                let status = stack.control("/_local/functions").await.json();
                if status["functions"]["puppet"]["running"] == 2 {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        },
        stack.invoke(&slow),
        stack.invoke(&slow)
    );
    assert_eq!(status["functions"]["puppet"]["invocations"], 0, "{status}");
    stack.invoke(&json!({"puppet": {"error": "no"}})).await;
    stack
        .aws
        .sqs()
        .send_message()
        .queue_url(&stack.stack.places.queue_urls["Letters"])
        .message_body("a")
        .send()
        .await
        .unwrap();
    let status = stack.control("/_local/functions").await.json();
    assert_eq!(
        status["functions"]["puppet"],
        json!({"environments": 2, "idle": 2, "running": 0, "invocations": 3, "cold_starts": 2, "errors": 1, "throttles": 0})
    );
    assert_eq!(status["queues"]["Letters"], json!({"visible": 1, "in_flight": 0, "delayed": 0}));
    assert_eq!(stack.control("/elsewhere").await.status, 404);
    stack.stop().await;
}
