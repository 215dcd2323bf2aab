//! What the local stack reads: filter patterns, faults, answers of functions, and calls to AWS.

use local_lambda::{
    event_sources::{filter::Filter, partial_batch::failures},
    faults::{Plan, Rule},
};
use meter::{
    Key, Service, Table, Tables,
    fuzzing::{required, written_items},
    item::{Item, item_size, key_text, same_item},
};
use sam_template::{FilterCriteria, Located, Position};
use serde_json::{Map, Value, json};

/// A pattern, a line break, and the item that it is to match.
pub(crate) fn filter(bytes: &[u8]) {
    let Some((pattern, item)) = super::lines(bytes) else { return };
    let (Ok(pattern), Ok(item)) = (std::str::from_utf8(pattern), serde_json::from_slice::<Value>(item))
    else {
        return;
    };
    let compile = |patterns: &[&str]| {
        let lines = patterns
            .iter()
            .enumerate()
            .map(|(line, text)| (Position { line: line + 1, column: 1 }, (*text).to_owned()))
            .map(|(at, text)| Located { at, text });
        Filter::compile(&FilterCriteria(lines.collect()))
    };
    match compile(&[pattern]) {
        Ok(filter) => {
            let passes = filter.passes(&item);
            let with = |other| compile(&[pattern, other]).is_ok_and(|filter| filter.passes(&item));
            assert!(with("{}"), "one of two patterns is enough");
            assert_eq!(with(r#"{"no such member":[]}"#), passes, "a pattern without rules lets nothing pass");
        }
        Err(problem) => assert!(problem.at.line == 1 && !problem.message.is_empty()),
    }
    let Value::Object(members) = &item else { return };
    for (name, value) in members.iter().filter(|(_, value)| !value.is_object() && !value.is_array()) {
        if name != "$or" {
            member(name, value, &item);
        }
    }
}

/// What each rule says of a member of an item that is there.
fn member(name: &str, value: &Value, item: &Value) {
    let passes = |rule: Value| {
        let pattern = Value::Object(Map::from_iter([(name.to_owned(), json!([rule]))])).to_string();
        match Filter::compile(&FilterCriteria(vec![Located {
            at: Position { line: 1, column: 1 },
            text: pattern.clone(),
        }])) {
            Ok(filter) => filter.passes(item),
            Err(problem) => panic!("{pattern}: {}", problem.message),
        }
    };
    assert!(passes(value.clone()), "{name} is {value}");
    assert!(!passes(json!({"anything-but": [value]})), "{name} is {value}");
    assert!(passes(json!({"exists": true})) && !passes(json!({"exists": false})), "{name} is there");
    if let Some(text) = value.as_str() {
        for operator in ["prefix", "suffix", "equals-ignore-case"] {
            assert!(passes(json!({operator: text})), "{operator} {text:?}");
        }
    }
    if value.is_number() {
        assert!(
            passes(json!({"numeric": ["=", value]}))
                && passes(json!({"numeric": [">=", value, "<=", value]}))
        );
        assert!(!passes(json!({"numeric": ["<", value]})) && !passes(json!({"numeric": [">", value]})));
    }
}

/// A function's answer to a batch: the failed items are in the batch, in order, each once.
pub(crate) fn batch_answer(bytes: &[u8]) {
    let batch = ["a", "b", "c", "b"];
    let Ok(failed) = failures(&batch, bytes) else { return };
    assert!(failed.iter().all(|index| *index < batch.len()), "{failed:?}");
    assert!(failed.is_sorted_by(|one, next| one < next), "{failed:?}");
}

/// A plan of faults: what is read can be written and read again.
pub(crate) fn fault_plan(bytes: &[u8]) {
    let Ok(plan) = serde_json::from_slice::<Plan>(bytes) else { return };
    for rule in plan.rules {
        assert!((0.0..=1.0).contains(&rule.rate), "{rule:?}");
        let written = serde_json::to_string(&rule).unwrap_or_default();
        let Ok(again) = serde_json::from_str::<Rule>(&written) else { panic!("{written} is not read again") };
        // The last digit of a number may be lost.
        assert!((again.rate - rule.rate).abs() < 1e-9);
        assert_eq!(Rule { rate: rule.rate, ..again }, rule);
    }
}

/// A call to DynamoDB or SQS: a line with the operation, and the request.
pub(crate) fn aws_call(bytes: &[u8]) {
    let Some((operation, body)) = super::lines(bytes) else { return };
    let Ok(operation) = std::str::from_utf8(operation) else { return };
    let table = Table { key: Key::new("order_id", None), indexes: Vec::new() };
    let with_sort = Table { key: Key::new("product_id", Some("record")), indexes: Vec::new() };
    let tables: Tables =
        [("OrdersTable".to_owned(), table), ("CatalogTable".to_owned(), with_sort)].into_iter().collect();
    let written = written_items(operation, body, &tables);
    let reads = ["GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"];
    assert!(!reads.contains(&operation) || written.is_empty(), "{operation} writes nothing");
    for service in [Service::DynamoDb, Service::Sqs] {
        let permissions = required(service, operation, body);
        assert!(permissions.is_sorted_by(|one, next| one < next), "each once: {permissions:?}");
    }
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    for item in [&request["Item"], &request["Key"]].into_iter().filter_map(Value::as_object) {
        measured(item);
    }
}

/// An item is the same as itself, however its members are written.
fn measured(item: &Item) {
    assert!(same_item(item, item), "{item:?}");
    let text = Value::Object(item.clone()).to_string();
    assert!(item_size(item) <= 4 * text.len() as u64, "{} bytes for {text}", item_size(item));
    assert!(!key_text(item).is_empty() || item.is_empty());
}
