//! What reads consumed: seen in their answers, and read once more where an answer does not show it.

use serde_json::{Map, Value, json};

use super::{
    Counted,
    target::{Reader, objects, slot},
};
use crate::{
    call::Uncounted,
    tables::{Tables, plain_name},
    units::{Consistency, Item, Units, item_size, read_half_units},
};

/// Counts a read that succeeded; none if the operation reads no items.
pub(super) async fn count(
    operation: &str,
    request: &Value,
    answer: &Value,
    tables: &Tables,
    reader: &Reader,
) -> Option<Counted> {
    let mut counted = Counted::default();
    match operation {
        "GetItem" => {
            let item = (&request["Key"], answer["Item"].as_object());
            counted
                .items(request, text(&request["TableName"]), vec![item], consistency(request), tables, reader)
                .await;
        }
        "BatchGetItem" => {
            for (table, wanted) in request["RequestItems"].as_object().into_iter().flatten() {
                let left = objects(&answer["UnprocessedKeys"][table]["Keys"]).count();
                let keys: Vec<&Value> = wanted["Keys"].as_array().into_iter().flatten().collect();
                let found = objects(&answer["Responses"][table]).map(Some).chain(std::iter::repeat(None));
                // Which item belongs to which key does not matter to the sum.
                let items = keys.iter().copied().zip(found).take(keys.len().saturating_sub(left)).collect();
                counted.items(wanted, table, items, consistency(wanted), tables, reader).await;
            }
        }
        "TransactGetItems" => {
            let gets = request["TransactItems"].as_array().into_iter().flatten().map(|item| &item["Get"]);
            for (position, get) in gets.enumerate() {
                let item = (&get["Key"], answer["Responses"][position]["Item"].as_object());
                let table = text(&get["TableName"]);
                counted.items(get, table, vec![item], Consistency::Transactional, tables, reader).await;
            }
        }
        "Query" | "Scan" => counted.page(operation, request, answer, reader).await,
        _ => return None,
    }
    Some(counted)
}

impl Counted {
    /// Items that were asked for by key: each is rounded by itself, and by its whole size, so those of which only a
    /// projection was returned are read again.
    async fn items(
        &mut self,
        request: &Value,
        table: &str,
        items: Vec<(&Value, Option<&Item>)>,
        consistency: Consistency,
        tables: &Tables,
        reader: &Reader,
    ) {
        let table = plain_name(table);
        self.resource(table);
        let whole = if projects(request) {
            let keys = items.iter().filter_map(|(key, _)| Some((table.to_owned(), key.as_object()?.clone())));
            let keys: Vec<_> = keys.collect();
            let images = reader.images(tables, &keys).await;
            Some(keys.iter().map(|(table, key)| images.get(&slot(table, key)).cloned()).collect::<Vec<_>>())
        } else {
            None
        };
        for (position, (_, returned)) in items.iter().enumerate() {
            let size = match &whole {
                None => returned.map_or(0, item_size),
                Some(images) => match images.get(position) {
                    Some(Some(image)) => image.as_deref().map_or(0, item_size),
                    _ => {
                        self.uncounted = Some(Uncounted::Unread);
                        returned.map_or(0, item_size)
                    }
                },
            };
            self.units += Units::reads(read_half_units(size, consistency));
        }
    }

    /// A page of a Query or Scan: all that was looked at counts, so a page that hides some of it is read again without
    /// its filter and projection. Attributes that a local index fetches from its table are not counted.
    async fn page(&mut self, operation: &str, request: &Value, answer: &Value, reader: &Reader) {
        self.resource(plain_name(text(&request["TableName"])));
        let scanned = answer["ScannedCount"].as_u64().unwrap_or(0);
        let hidden = scanned > answer["Count"].as_u64().unwrap_or(0) || projects(request);
        let again = if hidden && scanned > 0 {
            let again = reader.call(operation, &unfiltered(request, scanned)).await;
            if again.is_none() {
                self.uncounted = Some(Uncounted::Unread);
            }
            again
        } else {
            None
        };
        let seen = again.as_ref().unwrap_or(answer);
        let size = objects(&seen["Items"]).map(item_size).sum();
        self.units += Units::reads(read_half_units(size, consistency(request)));
    }
}

/// The same page with nothing hidden.
fn unfiltered(request: &Value, scanned: u64) -> Value {
    let mut page: Map<String, Value> = Map::new();
    let kept = [
        "TableName",
        "IndexName",
        "KeyConditionExpression",
        "KeyConditions",
        "ExclusiveStartKey",
        "ScanIndexForward",
        "ConsistentRead",
        "Segment",
        "TotalSegments",
    ];
    for name in kept {
        if let Some(value) = request.get(name) {
            page.insert(name.to_owned(), value.clone());
        }
    }
    // DynamoDB refuses names and values that no expression uses.
    let condition = text(&request["KeyConditionExpression"]);
    let tokens: Vec<&str> =
        condition.split(|letter: char| !(letter.is_alphanumeric() || "#:_".contains(letter))).collect();
    for name in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let used = request[name].as_object().into_iter().flatten();
        let used: Map<String, Value> = used
            .filter(|(token, _)| tokens.contains(&token.as_str()))
            .map(|(token, value)| (token.clone(), value.clone()))
            .collect();
        if !used.is_empty() {
            page.insert(name.to_owned(), Value::Object(used));
        }
    }
    if request.get("IndexName").is_some() {
        page.insert("Select".to_owned(), json!("ALL_PROJECTED_ATTRIBUTES"));
    }
    page.insert("Limit".to_owned(), json!(scanned));
    Value::Object(page)
}

/// Whether the answer leaves out attributes, or all items: a projection has no influence on what is consumed.
fn projects(request: &Value) -> bool {
    ["ProjectionExpression", "AttributesToGet"].iter().any(|name| request.get(name).is_some())
        || matches!(text(&request["Select"]), "COUNT" | "SPECIFIC_ATTRIBUTES")
}

fn consistency(request: &Value) -> Consistency {
    if request["ConsistentRead"] == json!(true) { Consistency::Strong } else { Consistency::Eventual }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_again_without_what_hides_items() {
        let request = json!({
            "TableName": "t",
            "IndexName": "i",
            "KeyConditionExpression": "#k = :k AND begins_with(sort,:prefix)",
            "FilterExpression": "#f = :f",
            "ProjectionExpression": "#p",
            "ExpressionAttributeNames": {"#k": "key", "#f": "flag", "#p": "part"},
            "ExpressionAttributeValues": {":k": {"S": "1"}, ":f": {"S": "2"}, ":prefix": {"S": "3"}},
            "ReturnConsumedCapacity": "TOTAL",
            "Limit": 10
        });
        let expected = json!({
            "TableName": "t",
            "IndexName": "i",
            "KeyConditionExpression": "#k = :k AND begins_with(sort,:prefix)",
            "ExpressionAttributeNames": {"#k": "key"},
            "ExpressionAttributeValues": {":k": {"S": "1"}, ":prefix": {"S": "3"}},
            "Select": "ALL_PROJECTED_ATTRIBUTES",
            "Limit": 7
        });
        assert_eq!(unfiltered(&request, 7), expected);
    }

    #[test]
    fn a_scan_without_names_sends_none() {
        let request =
            json!({"TableName": "t", "FilterExpression": "#f = :f", "ExpressionAttributeNames": {"#f": "x"}});
        assert_eq!(unfiltered(&request, 3), json!({"TableName": "t", "Limit": 3}));
    }
}
