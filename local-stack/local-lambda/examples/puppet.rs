//! A Lambda function that carries out the command in its event. The tests of the local stack use it with every trigger.
//!
//! A command is a JSON object in the trigger's own data: `event.puppet` of an invocation, the body of
//! an HTTP request or of a message, the attribute `puppet` of a table item, the header `authorization` of a request to
//! authorize.
//!
//! | member | effect |
//! |---|---|
//! | `sleep_ms` | waits |
//! | `print` | writes a line |
//! | `allocate_mb` | holds that much memory during the invocation |
//! | `exit`, `panic`, `error` | exits, panics, returns an error |
//! | `fail` | reports the record in `batchItemFailures` |
//! | `answer` | returns this response instead of the usual one |
//!
//! Each event is written to the folder `RECORD`, if that is set: a file for each invocation. `INIT` is a command for
//! the start of the process.

use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if let Ok(command) = std::env::var("INIT") {
        carry_out(&serde_json::from_str(&command)?).await?;
    }
    run(service_fn(invoke)).await
}

async fn invoke(event: LambdaEvent<Value>) -> Result<Value, Error> {
    record(&event)?;
    let event = event.payload;
    if event["type"] == "REQUEST" {
        let command = event["headers"]["authorization"].as_str();
        let command = command.and_then(|command| serde_json::from_str(command).ok()).unwrap_or_default();
        return Ok(carry_out(&command).await?.unwrap_or_else(|| json!({"isAuthorized": true})));
    }
    if event.get("requestContext").is_some() {
        let command = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
        return match carry_out(&command.unwrap_or_default()).await? {
            Some(answer) => Ok(answer),
            None => Ok(json!({"statusCode": 200, "body": event.to_string()})),
        };
    }
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return Ok(carry_out(&event["puppet"]).await?.unwrap_or(event));
    };
    let mut failures = Vec::new();
    for record in records {
        let (identifier, command) = match record["eventSource"].as_str() {
            Some("aws:sqs") => (&record["messageId"], record["body"].as_str()),
            _ => (
                &record["dynamodb"]["SequenceNumber"],
                record["dynamodb"]["NewImage"]["puppet"]["S"].as_str(),
            ),
        };
        let command: Value =
            command.and_then(|command| serde_json::from_str(command).ok()).unwrap_or_default();
        if let Some(answer) = carry_out(&command).await? {
            return Ok(answer);
        }
        if command.get("fail").is_some() {
            failures.push(json!({"itemIdentifier": identifier}));
        }
    }
    Ok(json!({"batchItemFailures": failures}))
}

/// Carries out a command, and returns its response, if it has one.
async fn carry_out(command: &Value) -> Result<Option<Value>, Error> {
    if let Some(line) = command["print"].as_str() {
        println!("{line}");
    }
    if let Some(time) = command["sleep_ms"].as_u64() {
        tokio::time::sleep(Duration::from_millis(time)).await;
    }
    if let Some(size) = command["allocate_mb"].as_u64() {
        let memory = vec![1_u8; usize::try_from(size)? << 20];
        println!("holding {} bytes", std::hint::black_box(memory).len());
    }
    if let Some(code) = command["exit"].as_i64() {
        std::process::exit(i32::try_from(code)?);
    }
    if let Some(message) = command["panic"].as_str() {
        panic!("{message}");
    }
    if let Some(message) = command["error"].as_str() {
        return Err(message.to_owned().into());
    }
    Ok(command.get("answer").cloned())
}

/// Writes the event to a file for the test. Readers never see a half-written file.
fn record(event: &LambdaEvent<Value>) -> Result<(), Error> {
    let Ok(folder) = std::env::var("RECORD") else { return Ok(()) };
    let context = &event.context;
    let environment: serde_json::Map<_, _> =
        std::env::vars().map(|(name, value)| (name, value.into())).collect();
    let seen = json!({
        "event": event.payload,
        "request_id": context.request_id,
        "function_arn": context.invoked_function_arn,
        "deadline_ms": context.deadline,
        "client_context": context.client_context,
        "environment": environment,
        "process_id": std::process::id(),
    });
    // Retries have the same request id; names sort by time.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let file = format!("{folder}/{now}-{}", context.request_id);
    fs::write(format!("{file}.part"), seen.to_string())?;
    fs::rename(format!("{file}.part"), format!("{file}.json"))?;
    Ok(())
}
