//! What the alarms and the dashboard watch.
//!
//! A function that is added to template.yaml is watched like the others, without being listed anywhere: all write to one
//! log group, whose errors are counted, and the dashboard searches for their metrics. How orders end is counted in the same
//! group; here the template's own filter patterns are held against what the functions log.

use std::{collections::BTreeMap, fs, time::Duration};

use e2e::{Options, Shop, eventually, needs, template};
use serde_json::{Value, json};

/// An attempt to pay, and the longest pause before it.
const ENDED_WITHIN: Duration = Duration::from_secs(120);

#[test]
fn a_new_function_is_watched_without_being_listed() {
    let template = template();
    let text = fs::read_to_string(&template.path).unwrap();
    assert_eq!(
        text.matches("LoggingConfig:").count(),
        1,
        "only Globals name a log group: FunctionErrors reads that one"
    );
    let monitoring = text.split_once("- monitoring\n").unwrap().1.split_once("\nOutputs:").unwrap().0;
    for resource in monitoring.split("\n\n") {
        let listed: Vec<_> = template
            .functions
            .iter()
            .map(|each| &each.logical_id)
            .filter(|id| resource.contains(*id))
            .collect();
        // An alarm may be about one function, as that of the stream's age is.
        let most = if resource.contains("AWS::CloudWatch::Dashboard") { 0 } else { 1 };
        assert!(
            listed.len() <= most,
            "a list of functions, which the next one must not need: {listed:?} in {resource}"
        );
    }
}

/// The filter patterns that look at a member of the functions' own lines, by the name of their metric.
fn filter_patterns(member: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(template().path).unwrap();
    let filters = text.split("\n\n").filter(|resource| resource.contains("AWS::Logs::MetricFilter"));
    let read = |resource: &str| {
        let pattern = resource.split_once("FilterPattern: '")?.1.split_once('\'')?.0;
        let name = resource.split_once("MetricName: ")?.1.split_once(',')?.0;
        pattern.contains(member).then(|| (name.to_owned(), pattern.to_owned()))
    };
    filters.filter_map(read).collect()
}

/// Whether a log line matches a pattern: comparisons of members with a text or number, joined by `&&`.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
fn matches(pattern: &str, line: &Value) -> bool {
    let comparisons = pattern.trim_matches(['{', '}']).split("&&");
    comparisons.into_iter().all(|comparison| {
        let parts: Vec<_> = comparison.split_whitespace().collect();
        let [member, operator, expected] = parts.as_slice() else { panic!("cannot read {comparison}") };
        let actual = &line[member.strip_prefix("$.").unwrap()];
        let expected: Value = serde_json::from_str(expected).unwrap();
        match *operator {
            "=" => *actual == expected,
            "!=" => !actual.is_null() && *actual != expected,
            ">" => actual.as_f64() > expected.as_f64(),
            other => panic!("cannot read {other} in {pattern}"),
        }
    })
}

/// How many of the stack's log lines match a pattern.
fn count(log: &str, pattern: &str) -> usize {
    let lines = log.lines().filter_map(|line| serde_json::from_str(&line[line.find('{')?..]).ok());
    lines.filter(|line: &Value| matches(pattern, line)).count()
}

#[tokio::test]
async fn every_end_of_an_order_is_counted_once_by_its_metric() {
    needs!(OwnStack, ControlPort, Tables);
    let flags = vec!["--verbose".to_owned()];
    let shop = Shop::start_with(Options { flags, ..Options::default() }).await;
    let place = async |token| shop.place(&[("stoneware-mug", 1)], token).await;
    let (paid, declined) = tokio::join!(place("tok_visa"), place("tok_declined"));
    let (refused, silent) = tokio::join!(place("tok_refund_refused"), place("tok_unavailable"));
    shop.make_old(&silent).await;
    for order in [&declined, &refused, &silent] {
        shop.ended_within(order, ENDED_WITHIN).await;
    }
    assert_eq!(shop.cancel(&refused).response().await.status, 200);
    shop.settle().await;
    // Its payment cannot be asked for at this moment, so that it is still overdue when the sweep comes.
    let down = json!({"fault": {"error": {"name": "InternalServerError"}}, "caller": "process-payment"});
    shop.set_faults(&json!({"rules": [down]})).await;
    shop.make_overdue(&paid, "PENDING").await;
    shop.sweep().await;
    let expected = BTreeMap::from([
        ("OrdersConfirmed", 2),
        ("OrdersDeclined", 1),
        ("OrdersGivenUp", 1),
        ("OrdersOverdue", 1),
        ("RefundsRefused", 1),
    ]);
    let mut patterns = filter_patterns("$.ending");
    patterns.extend(filter_patterns("$.overdue"));
    eventually(ENDED_WITHIN, || async {
        let log = shop.log();
        let counted: BTreeMap<_, _> =
            patterns.iter().map(|(name, pattern)| (name.as_str(), count(&log, pattern))).collect();
        if counted == expected { Ok(()) } else { Err(format!("{counted:?}")) }
    })
    .await;
    shop.clear_faults().await;
}
