//! What each function's calls needed to be allowed, and what template.yaml allows it.

use std::collections::{BTreeMap, BTreeSet};

use sam_template::policies;
use serde_json::Value;

use crate::{Shop, settings, template};

/// `dynamodb:Query OrdersTable/index/due`, by function.
pub type Permissions = BTreeMap<String, BTreeSet<String>>;

/// What template.yaml allows each function: actions on resources by their logical ids.
///
/// # Panics
/// When the template cannot be read, or allows something in another form.
#[must_use]
pub fn allowed() -> Permissions {
    let template = template();
    let allowed = policies(&template.path, &settings()).unwrap_or_else(|error| panic!("{error}"));
    let lines = template.functions.into_iter().map(|function| {
        let lines = allowed[&function.logical_id].iter();
        (function.name, lines.map(|one| format!("{} {}", one.action, one.resource)).collect())
    });
    lines.collect()
}

/// What the functions of a shop needed for the calls that they have made so far.
///
/// # Panics
/// When a call's need is not known, or the first calls are no longer kept.
pub async fn needed(shop: &Shop) -> Permissions {
    let logical_ids = logical_ids(shop);
    let response = shop.control.get("/_local/calls?after=0").response().await.json();
    let calls = response["calls"].as_array().unwrap();
    assert!(calls.first().is_none_or(|call| call["number"] == 1), "the stack has forgotten its first calls");
    let mut needed = Permissions::new();
    // A web service is no matter of IAM.
    for call in calls.iter().filter(|call| call["service"] != "web") {
        let permissions = call["permissions"].as_array().unwrap();
        assert!(!permissions.is_empty(), "the meter knows no permission for this call: {call}");
        let lines = permissions.iter().map(|permission| {
            let resource = &logical_ids[permission["resource"].as_str().unwrap()];
            let index = permission["index"].as_str().map(|index| format!("/index/{index}"));
            format!("{} {resource}{}", permission["action"].as_str().unwrap(), index.unwrap_or_default())
        });
        needed.entry(call["function"].as_str().unwrap().to_owned()).or_default().extend(lines);
    }
    needed
}

/// Where the two differ, a line each.
#[must_use]
pub fn differences(needed: &Permissions, allowed: &Permissions) -> Vec<String> {
    let none = BTreeSet::new();
    let functions: BTreeSet<_> = needed.keys().chain(allowed.keys()).collect();
    let mut lines = Vec::new();
    for function in functions {
        let (needed, allowed) =
            (needed.get(function).unwrap_or(&none), allowed.get(function).unwrap_or(&none));
        lines.extend(needed.difference(allowed).map(|line| format!("{function} is not allowed {line}")));
        lines.extend(allowed.difference(needed).map(|line| format!("{function} never needed {line}")));
    }
    lines
}

/// Logical ids by the names that tables and queues have here.
fn logical_ids(shop: &Shop) -> BTreeMap<String, String> {
    let named = ["tables", "queues"].into_iter().flat_map(|kind| shop.ready[kind].as_object().unwrap());
    let last = |name: &Value| name.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    named.map(|(logical_id, name)| (last(name), logical_id.clone())).collect()
}
