//! Meters reads by the items in their responses. Items that a response does not show are read again.

use serde_json::{Map, Value, json};

use super::{
    consumption::Consumption,
    item_key::ItemKey,
    reader::{Images, Reader, objects},
};
use crate::{
    call::MeteringGap,
    item::{Item, item_size},
    rules::{Consistency, RequestUnits, read_half_units},
    tables::plain_name,
};

/// The items of one table that a request reads by their keys.
struct KeyedRead<'call> {
    table: &'call str,
    consistency: Consistency,
    /// Whether the response holds only a part of each item.
    projected: bool,
    items: Vec<ReadItem<'call>>,
}

struct ReadItem<'call> {
    key: &'call Value,
    /// None for an item that does not exist.
    returned: Option<&'call Item>,
}

/// Meters a read that succeeded; none if the operation does not read items.
pub(super) async fn meter(
    operation: &str,
    request: &Value,
    response: &Value,
    reader: &Reader,
) -> Option<Consumption> {
    let mut consumption = Consumption::default();
    match operation {
        "GetItem" => {
            let items = vec![ReadItem { key: &request["Key"], returned: response["Item"].as_object() }];
            let table = text(&request["TableName"]);
            let projected = is_projected(request);
            let read = KeyedRead { table, consistency: consistency(request), projected, items };
            consumption.add_keyed(read, reader).await;
        }
        "BatchGetItem" => {
            for (table, wanted) in request["RequestItems"].as_object().into_iter().flatten() {
                let unprocessed = objects(&response["UnprocessedKeys"][table]["Keys"]).count();
                let keys: Vec<&Value> = wanted["Keys"].as_array().into_iter().flatten().collect();
                let returned =
                    objects(&response["Responses"][table]).map(Some).chain(std::iter::repeat(None));
                // The sum does not depend on which item has which key.
                let items = keys.iter().zip(returned).take(keys.len().saturating_sub(unprocessed));
                let items = items.map(|(key, returned)| ReadItem { key, returned }).collect();
                let (consistency, projected) = (consistency(wanted), is_projected(wanted));
                let read = KeyedRead { table, consistency, projected, items };
                consumption.add_keyed(read, reader).await;
            }
        }
        "TransactGetItems" => {
            let gets = request["TransactItems"].as_array().into_iter().flatten().map(|item| &item["Get"]);
            for (position, get) in gets.enumerate() {
                let returned = response["Responses"][position]["Item"].as_object();
                let read = KeyedRead {
                    table: text(&get["TableName"]),
                    consistency: Consistency::Transactional,
                    projected: is_projected(get),
                    items: vec![ReadItem { key: &get["Key"], returned }],
                };
                consumption.add_keyed(read, reader).await;
            }
        }
        "Query" | "Scan" => consumption.add_page(operation, request, response, reader).await,
        _ => return None,
    }
    Some(consumption)
}

impl Consumption {
    /// Adds items that were read by their keys. Each is rounded by itself, and by its whole size: a projected item is
    /// read again.
    async fn add_keyed(&mut self, read: KeyedRead<'_>, reader: &Reader) {
        let table = plain_name(read.table);
        self.add_table(table);
        let item_key = |item: &ReadItem<'_>| {
            Some(ItemKey { table: table.to_owned(), key: item.key.as_object()?.clone() })
        };
        let images = if read.projected {
            reader.images(&read.items.iter().filter_map(item_key).collect::<Vec<_>>()).await
        } else {
            Images::new()
        };
        for item in &read.items {
            let mut whole = item.returned;
            if read.projected {
                match item_key(item).and_then(|key| images.get(&key.id())) {
                    Some(image) => whole = image.as_deref(),
                    None => self.gap = Some(MeteringGap::ItemNotRead),
                }
            }
            let size = whole.map_or(0, item_size);
            self.units += RequestUnits::reads(read_half_units(size, read.consistency));
        }
    }

    /// Adds a page of a Query or Scan. DynamoDB bills all items that it evaluated, so a page that does not show all of
    /// them is read again without its filter and projection. Attributes that a query of a local secondary index fetches
    /// from the table are not metered.
    async fn add_page(&mut self, operation: &str, request: &Value, response: &Value, reader: &Reader) {
        self.add_table(plain_name(text(&request["TableName"])));
        let scanned = response["ScannedCount"].as_u64().unwrap_or(0);
        let hidden = scanned > response["Count"].as_u64().unwrap_or(0) || is_projected(request);
        let again = if hidden && scanned > 0 {
            let again = reader.call(operation, &unfiltered(request, scanned)).await;
            if again.is_none() {
                self.gap = Some(MeteringGap::ItemNotRead);
            }
            again
        } else {
            None
        };
        let page = again.as_ref().unwrap_or(response);
        let size = objects(&page["Items"]).map(item_size).sum();
        self.units += RequestUnits::reads(read_half_units(size, consistency(request)));
    }
}

/// A request for all items of the same page, with all their attributes.
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
    // DynamoDB rejects names and values that no expression uses.
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

/// Whether the response lacks projected attributes, or all items. DynamoDB bills a projection like the whole item.
fn is_projected(request: &Value) -> bool {
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
    fn a_page_is_read_again_without_filter_and_projection() {
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
