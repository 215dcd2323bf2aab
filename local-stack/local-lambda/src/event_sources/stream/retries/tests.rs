use std::time::UNIX_EPOCH;

use sam_template::{FilterCriteria, Position, StartingPosition};
use serde_json::Value;

use super::*;

fn source() -> StreamSource {
    StreamSource {
        table: "Things".to_owned(),
        at: Position { line: 1, column: 1 },
        enabled: true,
        starting_position: StartingPosition::TrimHorizon,
        batch_size: 100,
        window: Duration::ZERO,
        maximum_retries: None,
        maximum_age: None,
        bisect_on_error: false,
        parallelization_factor: 1,
        report_batch_item_failures: true,
        filters: FilterCriteria::default(),
        on_failure: None,
    }
}

/// Records `1`, `2`, ..., each created so many seconds after 1970.
fn items(created: &[u64]) -> Vec<Item> {
    let item = |(index, seconds): (usize, &u64)| Item {
        sequence_number: (index + 1).to_string(),
        created: UNIX_EPOCH + Duration::from_secs(*seconds),
        event: Value::Null,
        size: 4,
    };
    created.iter().enumerate().map(item).collect()
}

/// Processes a batch to its end or for `most` steps. The steps: `invoke 12`, `discard 12 RecordAgeExceeded after 2`.
fn process(
    source: &StreamSource,
    items: Vec<Item>,
    now: u64,
    outcome: impl Fn(&str) -> BatchResult,
    most: usize,
) -> Vec<String> {
    let names = |items: &[Item]| items.iter().map(|item| item.sequence_number.as_str()).collect::<String>();
    let mut retries = Retries::new(source, items);
    let mut taken = Vec::new();
    while taken.len() < most
        && let Some(step) = retries.next(UNIX_EPOCH + Duration::from_secs(now))
    {
        taken.push(match step {
            Step::Invoke(attempt) => {
                let names = names(&attempt.items);
                retries.ended(attempt, &outcome(&names));
                format!("invoke {names}")
            }
            Step::Discard(discarded) => {
                let (names, why) = (names(&discarded.items), discarded.condition.as_str());
                format!("discard {names} {why} after {}", discarded.invocations)
            }
        });
    }
    taken
}

#[test]
fn services_dynamodb_errors_a_batch_is_retried_for_ever_by_default() {
    let steps = process(&source(), items(&[0, 0]), 0, |_| BatchResult::AllFailed, 50);
    assert_eq!(steps, vec!["invoke 12"; 50]);
}

#[test]
fn services_dynamodb_errors_retries_are_counted() {
    let twice = StreamSource { maximum_retries: Some(2), ..source() };
    let steps = process(&twice, items(&[0, 0]), 0, |_| BatchResult::AllFailed, 50);
    assert_eq!(steps, ["invoke 12", "invoke 12", "invoke 12", "discard 12 RetryAttemptsExhausted after 3"]);
}

#[test]
fn services_dynamodb_errors_splitting_does_not_count_as_a_retry() {
    let bisecting = StreamSource { maximum_retries: Some(1), bisect_on_error: true, ..source() };
    let third_fails =
        |names: &str| if names.contains('3') { BatchResult::AllFailed } else { BatchResult::AllSucceeded };
    let expected = [
        "invoke 1234",
        "invoke 12",
        "invoke 34",
        "invoke 3",
        "invoke 3",
        "discard 3 RetryAttemptsExhausted after 2",
        "invoke 4",
    ];
    assert_eq!(process(&bisecting, items(&[0; 4]), 0, third_fails, 50), expected);
}

#[test]
fn services_dynamodb_errors_only_the_records_that_are_too_old_are_discarded() {
    let minute = StreamSource { maximum_age: Some(Duration::from_secs(60)), ..source() };
    let steps = process(&minute, items(&[0, 10, 100]), 65, |_| BatchResult::AllSucceeded, 50);
    assert_eq!(steps, ["discard 1 RecordAgeExceeded after 0", "invoke 23"]);
    let steps = process(&minute, items(&[0, 10, 20]), 100, |_| BatchResult::AllSucceeded, 50);
    assert_eq!(steps, ["discard 123 RecordAgeExceeded after 0"]);
}

#[test]
fn services_dynamodb_errors_age_is_checked_before_each_attempt() {
    let minute = StreamSource { maximum_age: Some(Duration::from_secs(60)), ..source() };
    let mut retries = Retries::new(&minute, items(&[0]));
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let Some(Step::Invoke(attempt)) = retries.next(at(60)) else { panic!() };
    assert!(retries.ended(attempt, &BatchResult::AllFailed) > Duration::ZERO);
    let Some(Step::Discard(discarded)) = retries.next(at(61)) else { panic!() };
    assert_eq!((discarded.condition, discarded.invocations), (Condition::RecordAgeExceeded, 1));
    assert!(retries.next(at(61)).is_none());
}

#[test]
fn services_ddb_batchfailurereporting_the_lowest_failure_is_the_checkpoint() {
    for bisect_on_error in [false, true] {
        let source = StreamSource { bisect_on_error, maximum_retries: Some(1), ..source() };
        let outcome = |names: &str| match names {
            "1234" => BatchResult::SomeFailed(vec![1, 3]),
            "234" => BatchResult::SomeFailed(vec![2]),
            _ => BatchResult::AllSucceeded,
        };
        assert_eq!(
            process(&source, items(&[0; 4]), 0, outcome, 50),
            ["invoke 1234", "invoke 234", "invoke 4"]
        );
    }
}

#[test]
fn services_ddb_batchfailurereporting_without_progress_the_rest_is_retried() {
    let once = StreamSource { maximum_retries: Some(1), ..source() };
    let outcome = |names: &str| BatchResult::SomeFailed(vec![usize::from(names == "123")]);
    let expected = ["invoke 123", "invoke 23", "invoke 23", "discard 23 RetryAttemptsExhausted after 2"];
    assert_eq!(process(&once, items(&[0; 3]), 0, outcome, 50), expected);
}

#[test]
fn invocation_retries_throttles_do_not_count_as_retries() {
    let never = StreamSource { maximum_retries: Some(0), bisect_on_error: true, ..source() };
    let steps = process(&never, items(&[0, 0]), 0, |_| BatchResult::Throttled, 30);
    assert_eq!(steps, vec!["invoke 12"; 30]);
}

#[test]
fn waits_grow_up_to_a_bound() {
    assert!((RETRY_AFTER / 2..=RETRY_AFTER).contains(&backoff(0)));
    assert!((RETRY_AFTER_AT_MOST / 2..=RETRY_AFTER_AT_MOST).contains(&backoff(u32::MAX)));
}
