//! Resources that are not hosted: whether they would send something to a function or queue, and whether anything but alarms
//! and the like needs them.

use crate::{
    evaluate::Scope,
    node::{Node, Value},
    resources::kind::{Kind, kind},
};

/// The first function or queue that one of these properties refers to.
pub(super) fn receiver(scope: &Scope<'_>, resource: &Node, properties: &[&str]) -> Option<String> {
    let mut named = Vec::new();
    for property in properties {
        if let Some(node) = resource.at(&["Properties", property]) {
            names(node, &mut named);
        }
    }
    let is_hosted = |name: &String| {
        let name = scope.resources.get(name).and_then(|resource| resource.get("Type")?.text().ok());
        name.is_some_and(|name| matches!(kind(name), Kind::Function | Kind::Queue))
    };
    named.into_iter().find(is_hosted)
}

/// Whether a resource is referred to by alarms, policies and the like, and by nothing else: then nothing misses it.
pub(super) fn serves_management_only(scope: &Scope<'_>, id: &str) -> bool {
    let mut kinds = scope.resources.iter().filter(|(_, node)| exists(scope, node)).filter_map(|(_, node)| {
        let mut named = Vec::new();
        names(node, &mut named);
        let name = node.get("Type")?.text().ok()?;
        named.iter().any(|name| name == id).then(|| kind(name))
    });
    let first = kinds.next();
    first == Some(Kind::Management) && kinds.all(|kind| kind == Kind::Management)
}

fn exists(scope: &Scope<'_>, resource: &Node) -> bool {
    let condition = resource.get("Condition").map(|name| scope.condition(name.text()?, name.at));
    condition.is_none_or(|holds| holds == Ok(true))
}

/// Collects the names that `Ref`, `Fn::GetAtt` and `Fn::Sub` refer to.
fn names(node: &Node, named: &mut Vec<String>) {
    match &node.value {
        Value::Sequence(nodes) => nodes.iter().for_each(|node| names(node, named)),
        Value::Mapping(entries) => {
            for entry in entries {
                match (entry.key.as_str(), &entry.node.value) {
                    ("Ref" | "Fn::GetAtt", Value::Scalar(path)) => named.extend(first(path)),
                    ("Fn::GetAtt", Value::Sequence(path)) => {
                        named.extend(path.first().and_then(|node| node.text().ok().map(str::to_owned)));
                    }
                    ("Fn::Sub", Value::Scalar(format)) => {
                        let variables = format.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
                        named.extend(variables.filter_map(|(variable, _)| first(variable)));
                    }
                    _ => names(&entry.node, named),
                }
            }
        }
        _ => {}
    }
}

/// The resource of `Resource.Attribute`.
fn first(path: &str) -> Option<String> {
    path.split('.').next().map(|name| name.trim().to_owned())
}
