//! The sizes of DynamoDB items, and whether they are equal.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>

mod number;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use self::number::Number;

/// An item in DynamoDB's JSON: attribute names, and values such as `{"S": "text"}`.
pub type Item = Map<String, Value>;

/// The size of an item in bytes: the names of its attributes in UTF-8 and their values. The 100 bytes of storage overhead
/// of each item do not count.
#[must_use]
pub fn item_size(item: &Item) -> u64 {
    item.iter().map(|(name, value)| length(name) + value_size(value)).sum()
}

/// The size of an attribute without its name; zero for anything else, which DynamoDB rejects.
fn value_size(value: &Value) -> u64 {
    let Some((kind, value)) = typed(value) else { return 0 };
    let texts = |size: fn(&str) -> u64| -> u64 { strings(value).map(size).sum() };
    match kind {
        "S" => value.as_str().map_or(0, length),
        "N" => value.as_str().map_or(0, number),
        "B" => value.as_str().map_or(0, binary),
        "BOOL" | "NULL" => 1,
        // AWS's page does not mention sets. Every known implementation takes the sum of their members.
        "SS" => texts(length),
        "NS" => texts(number),
        "BS" => texts(binary),
        // 3 bytes, and 1 more for each element.
        "L" => 3 + value.as_array().map_or(0, |list| list.iter().map(|value| 1 + value_size(value)).sum()),
        "M" => {
            let element = |(name, value): (&String, &Value)| 1 + length(name) + value_size(value);
            3 + value.as_object().map_or(0, |map| map.iter().map(element).sum())
        }
        _ => 0,
    }
}

/// Whether two images of an item are equal: numbers by value, sets in any order. This decides whether DynamoDB writes to an
/// index.
#[must_use]
pub fn same_item(one: &Item, other: &Item) -> bool {
    one.len() == other.len()
        && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
}

fn same(one: &Value, other: &Value) -> bool {
    let (Some((kind, one)), Some((other_kind, other))) = (typed(one), typed(other)) else {
        return one == other;
    };
    if kind != other_kind {
        return false;
    }
    match (kind, one, other) {
        ("N", Value::String(one), Value::String(other)) => Number::read(one) == Number::read(other),
        ("NS", ..) => sorted(one, Number::read) == sorted(other, Number::read),
        ("SS" | "BS", ..) => sorted(one, str::to_owned) == sorted(other, str::to_owned),
        ("L", Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        ("M", Value::Object(one), Value::Object(other)) => same_item(one, other),
        _ => one == other,
    }
}

/// The canonical text of a key, with its attributes in the order of their names.
#[must_use]
pub fn key_text(key: &Item) -> String {
    let part = |(name, value): (&String, &Value)| match typed(value) {
        Some(("N", Value::String(number))) => format!("{name:?}N{}", Number::read(number).text()),
        _ => format!("{name:?}{value}"),
    };
    key.iter().map(part).collect()
}

/// The type and the content of an attribute value.
fn typed(value: &Value) -> Option<(&str, &Value)> {
    let (kind, value) = value.as_object()?.iter().next()?;
    Some((kind, value))
}

fn strings(set: &Value) -> impl Iterator<Item = &str> {
    set.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn sorted<T: Ord>(set: &Value, read: impl Fn(&str) -> T) -> Vec<T> {
    let mut members: Vec<T> = strings(set).map(read).collect();
    members.sort_unstable();
    members
}

fn number(text: &str) -> u64 {
    Number::read(text).size()
}

/// The size of the raw bytes, not of their base64 text.
fn binary(text: &str) -> u64 {
    BASE64_STANDARD.decode(text).map_or(0, |bytes| bytes.len() as u64)
}

fn length(text: &str) -> u64 {
    text.len() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};
    use serde_json::json;

    use super::*;

    fn size(value: &Value) -> u64 {
        item_size(value.as_object().unwrap())
    }

    #[test]
    fn capacity_unit_calculations_page_strings_and_names_in_utf8_bytes() {
        assert_eq!(size(&json!({"name": {"S": "Bob"}})), 7);
        assert_eq!(size(&json!({"größe": {"S": "€"}})), 7 + 3);
        assert_eq!(size(&json!({"e": {"S": ""}})), 1);
    }

    #[test]
    fn capacity_unit_calculations_page_numbers() {
        assert_eq!(size(&json!({"n": {"N": "1234"}})), 1 + 3);
    }

    #[test]
    fn capacity_unit_calculations_page_binary_by_its_raw_length() {
        assert_eq!(size(&json!({"b": {"B": BASE64_STANDARD.encode([0_u8; 100])}})), 101);
    }

    #[test]
    fn capacity_unit_calculations_page_null_and_boolean_are_one_byte() {
        assert_eq!(size(&json!({"a": {"NULL": true}})), 2);
        assert_eq!(size(&json!({"a": {"BOOL": false}})), 2);
    }

    #[test]
    fn capacity_unit_calculations_page_lists_and_maps_take_three_bytes_and_one_per_element() {
        assert_eq!(size(&json!({"l": {"L": []}})), 1 + 3);
        assert_eq!(size(&json!({"m": {"M": {}}})), 1 + 3);
        assert_eq!(size(&json!({"l": {"L": [{"S": "ab"}, {"N": "7"}]}})), 1 + 3 + (1 + 2) + (1 + 2));
        assert_eq!(size(&json!({"m": {"M": {"key": {"S": "ab"}}}})), 1 + 3 + (1 + 3 + 2));
    }

    #[test]
    fn sets_are_the_sum_of_their_members() {
        assert_eq!(size(&json!({"s": {"SS": ["ab", "c"]}})), 1 + 3);
        assert_eq!(size(&json!({"s": {"NS": ["1", "234"]}})), 1 + 2 + 3);
        assert_eq!(size(&json!({"s": {"BS": ["AAAA"]}})), 1 + 3);
    }

    #[test]
    fn images_are_compared_by_value() {
        let alike =
            |one: Value, other: Value| same_item(one.as_object().unwrap(), other.as_object().unwrap());
        assert!(alike(json!({"n": {"N": "1.0"}}), json!({"n": {"N": "1"}})));
        assert!(alike(json!({"s": {"SS": ["a", "b"]}}), json!({"s": {"SS": ["b", "a"]}})));
        assert!(alike(json!({"m": {"M": {"n": {"N": "10"}}}}), json!({"m": {"M": {"n": {"N": "1e1"}}}})));
        assert!(!alike(
            json!({"l": {"L": [{"S": "a"}, {"S": "b"}]}}),
            json!({"l": {"L": [{"S": "b"}, {"S": "a"}]}})
        ));
        assert!(!alike(json!({"a": {"S": "1"}}), json!({"a": {"N": "1"}})));
        assert!(!alike(json!({"a": {"S": "1"}}), json!({})));
    }

    #[test]
    fn a_key_has_one_canonical_text() {
        let text = |key: Value| key_text(key.as_object().unwrap());
        assert_eq!(
            text(json!({"a": {"N": "1"}, "b": {"S": "x"}})),
            text(json!({"b": {"S": "x"}, "a": {"N": "1.0"}}))
        );
        assert_ne!(text(json!({"a": {"S": "x"}})), text(json!({"a": {"S": "y"}})));
        assert_ne!(text(json!({"a": {"S": "1"}})), text(json!({"a": {"N": "1"}})));
    }

    proptest! {
        #[test]
        fn an_item_is_as_large_as_its_attributes(name in ".{1,20}", text in ".{0,200}", other in ".{0,200}") {
            let one = size(&json!({&name: {"S": &text}}));
            let whole = size(&json!({&name: {"S": &text}, format!("{name}2"): {"S": &other}}));
            prop_assert_eq!(whole, one + (name.len() + 1 + other.len()) as u64);
        }
    }
}
