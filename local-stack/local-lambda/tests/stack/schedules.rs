//! Schedules: <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Running, puppet};

/// A puppet with these events: `Tick: {Type: ..., Properties: {...}}`.
fn template(properties: &str, events: &[String]) -> String {
    let function = format!(
        "{properties}      Environment: {{Variables: {{RECORD: $RECORD}}}}\n      Events:\n        {}",
        events.join("\n        ")
    );
    puppet(&function, "  Lost: {Type: AWS::SQS::Queue}")
}

fn scheduler(name: &str, properties: &str) -> String {
    format!("{name}: {{Type: ScheduleV2, Properties: {{{properties}}}}}")
}

/// The expression of the next full second but one, in UTC, and the time.
fn soon() -> (String, String) {
    let seconds = (Timestamp::now() + Duration::from_secs(2)).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    (format!("ScheduleExpression: 'at({seconds})'"), seconds)
}

#[tokio::test]
async fn schedule_types_a_one_time_schedule_fires_with_its_event() {
    let (at, time) = soon();
    let stack = Running::start(&template("", &[scheduler("Tick", &at)]), &[]).await;
    let mut seen = stack.eventually("it fires", |stack| stack.recorded().pop()).await;
    assert!(seen["event"]["id"].take().is_string());
    let expected = json!({
        "version": "0",
        "id": null,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": format!("{time}Z"),
        "region": "us-east-1",
        "resources": ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/Tick"],
        "detail": "{}",
    });
    assert_eq!(seen["event"], expected);
    assert!(Timestamp::now().to_string() >= time, "not before its time");
    stack.stop().await;
}

#[tokio::test]
async fn managing_schedule_context_attributes_are_replaced_in_the_input() {
    let (at, time) = soon();
    let input = r#"'{"at": "<aws.scheduler.scheduled-time>", "puppet": {"answer": 1}}'"#;
    let event = scheduler("Tick", &format!("{at}, Input: {input}"));
    let stack = Running::start(&template("", &[event]), &[]).await;
    let seen = stack.eventually("it fires", |stack| stack.recorded().pop()).await;
    assert_eq!(seen["event"], json!({"at": format!("{time}Z"), "puppet": {"answer": 1}}));
    stack.stop().await;
}

#[tokio::test]
async fn invocation_async_schedules_are_asynchronous() {
    let (at, _) = soon();
    let config = "      EventInvokeConfig:\n        MaximumRetryAttempts: 0\n        \
                  DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Lost.Arn}}\n";
    let input = r#"'{"puppet": {"error": "no"}}'"#;
    let event = scheduler("Tick", &format!("{at}, Input: {input}"));
    let stack = Running::start(&template(config, &[event]), &[]).await;
    let record = stack.take_bodies("Lost", 1).await.remove(0);
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestPayload"], json!({"puppet": {"error": "no"}}));
    stack.stop().await;
}

#[tokio::test]
async fn schedule_types_a_rate_without_a_start_date_begins_at_once() {
    let rate = scheduler("Tick", "ScheduleExpression: rate(1 minute)");
    // A rule fires for the first time after one period.
    let rule = "Rule: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}".to_owned();
    let stack = Running::start(&template("", &[rule, rate]), &[]).await;
    stack.eventually("it fires", |stack| stack.recorded().pop()).await;
    let sources: Vec<_> = stack.recorded().iter().map(|seen| seen["event"]["source"].clone()).collect();
    assert_eq!(sources, ["aws.scheduler"]);
    stack.stop().await;
}

#[tokio::test]
async fn a_schedule_that_is_disabled_does_not_fire() {
    let (at, _) = soon();
    let disabled = scheduler("Tick", &format!("{at}, State: DISABLED"));
    let other = scheduler("Other", &format!("{at}, Input: '\"other\"'"));
    let stack = Running::start(&template("", &[disabled, other]), &[]).await;
    stack.eventually("the other one fires", |stack| stack.recorded().pop()).await;
    let events: Vec<Value> = stack.recorded().iter().map(|seen| seen["event"].clone()).collect();
    assert_eq!(events, ["other"]);
    stack.stop().await;
}

#[tokio::test]
async fn a_malformed_schedule_names_its_line() {
    for (event, expected) in [
        ("Type: Schedule, Properties: {Schedule: rate(1 minutes)}", "10: rate(1 minutes) is not a schedule"),
        (
            "Type: Schedule, Properties: {Schedule: 'cron(0 9 * * * *)'}",
            "one of day of month and day of week must be ?",
        ),
        ("Type: Schedule, Properties: {Schedule: 'at(2026-11-21T08:00:00)'}", "use rate(...) or cron(...)"),
        (
            "Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute), ScheduleExpressionTimezone: Here}",
            "10: Here is not a time zone",
        ),
        (
            "Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute), EndDate: x}",
            "10: EndDate of a ScheduleV2 event is not supported",
        ),
    ] {
        let error = Running::refused(&template("", &[format!("Tick: {{{event}}}")])).await;
        assert!(error.contains(expected), "{error}");
    }
}
