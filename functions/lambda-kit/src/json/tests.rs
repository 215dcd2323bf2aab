//! Structs in every place where serde lets a value be.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Node {
    name: String,
    count: u64,
    child: Option<Box<Node>>,
    children: Vec<Node>,
    by_name: BTreeMap<String, Node>,
    pair: Option<(Leaf, Wrapped)>,
    kind: Kind,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Leaf {
    size: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Wrapped(Leaf);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Kind {
    #[default]
    Plain,
    Of(Leaf),
    Pair(Leaf, bool),
    With {
        leaf: Leaf,
    },
}

fn leaf() -> impl Strategy<Value = Leaf> {
    any::<i64>().prop_map(|size| Leaf { size })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Plain),
        leaf().prop_map(Kind::Of),
        (leaf(), any::<bool>()).prop_map(|(leaf, yes)| Kind::Pair(leaf, yes)),
        leaf().prop_map(|leaf| Kind::With { leaf }),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let flat = (".{0,8}", any::<u64>(), prop::option::of((leaf(), leaf().prop_map(Wrapped))), kind());
    let flat = flat.prop_map(|(name, count, pair, kind)| Node { name, count, pair, kind, ..Node::default() });
    flat.prop_recursive(3, 12, 3, |inner| {
        let children = prop::collection::vec(inner.clone(), 0..3);
        let by_name = prop::collection::btree_map("[a-z/~]{1,4}", inner.clone(), 0..3);
        (inner.clone(), prop::option::of(inner), children, by_name).prop_map(
            |(node, child, children, by_name)| Node { child: child.map(Box::new), children, by_name, ..node },
        )
    })
}

/// The pointers of all structs in a node: every object is one, but for `by_name` and the tag of a variant.
fn structs(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                structs(value, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            if !at.ends_with("/by_name") && !at.ends_with("/kind") {
                found.push(at.to_owned());
            }
            for (name, value) in members {
                structs(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
}

fn as_array(value: &Value) -> Value {
    value.as_object().unwrap().values().cloned().collect()
}

proptest! {
    #[test]
    fn a_document_is_read_as_it_was_written(node in node()) {
        let text = serde_json::to_vec(&node).unwrap();
        prop_assert_eq!(&from_slice::<Node>(&text).unwrap(), &node);
        prop_assert_eq!(&from_value::<Node>(serde_json::to_value(&node).unwrap()).unwrap(), &node);
    }

    #[test]
    fn an_array_in_the_place_of_any_struct_is_refused(node in node(), place: prop::sample::Index) {
        let mut document = serde_json::to_value(&node).unwrap();
        let mut found = Vec::new();
        structs(&document, "", &mut found);
        let at = place.get(&found).as_str();
        let array = as_array(document.pointer(at).unwrap());
        *document.pointer_mut(at).unwrap() = array;
        let error = from_slice::<Node>(document.to_string().as_bytes()).unwrap_err();
        prop_assert!(error.to_string().starts_with(MUST_BE_AN_OBJECT), "{}: {}", at, error);
        prop_assert!(from_value::<Node>(document).is_err());
    }
}

#[test]
fn the_array_would_be_read_without_it() {
    let array = json!([7]);
    assert_eq!(serde_json::from_value::<Leaf>(array.clone()).unwrap(), Leaf { size: 7 });
    assert!(from_value::<Leaf>(array).is_err());
}

#[test]
fn whatever_is_no_object_breaks_the_same_rule() {
    for text in ["[]", "7", "-7", "1.5", "true", "null", "\"size\""] {
        let error = from_slice::<Leaf>(text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(MUST_BE_AN_OBJECT), "{text}: {error}");
    }
    for text in ["", "{", "{\"size\":1} x", "{\"size\":1,\"size\":2}"] {
        assert!(from_slice::<Leaf>(text.as_bytes()).is_err(), "{text}");
    }
}
