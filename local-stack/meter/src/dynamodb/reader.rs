//! The proxy's own reads at the target. They are never billed to anybody.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::Full;
use serde_json::{Map, Value, json};

use super::mirror::Image;
use crate::{
    proxy::Upstream,
    tables::{Table, Tables},
    units::{Item, key_text},
};

/// Reads the target in a caller's name: a DynamoDB Local that is not shared keeps one database for each key id and
/// region, both of which are in the caller's `Authorization`.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    upstream: Upstream,
    headers: HeaderMap,
}

/// Images by [`slot`].
pub(super) type Images = HashMap<String, Image>;

/// The most items that one `BatchGetItem` takes.
const BATCH: usize = 100;

/// One text for a table and a key.
pub(super) fn slot(table: &str, key: &Item) -> String {
    format!("{table} {}", key_text(key))
}

impl Reader {
    pub(super) fn new(upstream: Upstream, caller: &HeaderMap) -> Self {
        let kept = [
            header::AUTHORIZATION,
            header::HeaderName::from_static("x-amz-date"),
            header::HeaderName::from_static("x-amz-security-token"),
        ];
        let mut headers: HeaderMap =
            kept.into_iter().filter_map(|name| Some((name.clone(), caller.get(&name)?.clone()))).collect();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        Self { upstream, headers }
    }

    /// The items as they are now, read consistently. What could not be read is not in the answer.
    pub(super) async fn images(&self, tables: &Tables, keys: &[(String, Item)]) -> Images {
        let mut images = Images::new();
        for batch in keys.chunks(BATCH) {
            let mut wanted: Map<String, Value> = Map::new();
            for (table, key) in batch {
                let entry = wanted
                    .entry(table.clone())
                    .or_insert_with(|| json!({"ConsistentRead": true, "Keys": []}));
                if let Some(keys) = entry["Keys"].as_array_mut() {
                    keys.push(Value::Object(key.clone()));
                }
            }
            let Some(answer) = self.call("BatchGetItem", &json!({"RequestItems": wanted})).await else {
                continue;
            };
            let key_of =
                |table: &str, item: &Item| tables.get(table).and_then(|table: &Table| table.key.of(item));
            let unread: Vec<String> = answer["UnprocessedKeys"]
                .as_object()
                .into_iter()
                .flatten()
                .flat_map(|(table, left)| objects(&left["Keys"]).map(move |key| slot(table, key)))
                .collect();
            let absent = batch.iter().map(|(table, key)| (slot(table, key), None));
            images.extend(absent.filter(|(slot, _)| !unread.contains(slot)));
            for (table, items) in answer["Responses"].as_object().into_iter().flatten() {
                let found = objects(items).filter_map(|item| {
                    Some((slot(table, &key_of(table, item)?), Some(Arc::new(item.clone()))))
                });
                images.extend(found);
            }
        }
        images
    }

    /// Calls the target; none unless it succeeds.
    pub(super) async fn call(&self, operation: &str, body: &Value) -> Option<Value> {
        let mut request = Request::new(Full::new(Bytes::from(body.to_string())));
        *request.method_mut() = Method::POST;
        request.headers_mut().clone_from(&self.headers);
        let target = HeaderValue::from_str(&format!("DynamoDB_20120810.{operation}")).ok()?;
        request.headers_mut().insert("x-amz-target", target);
        let (parts, body) = self.upstream.send(request).await.ok()?;
        if parts.status.is_success() { serde_json::from_slice(&body).ok() } else { None }
    }
}

/// The objects of a JSON list.
pub(super) fn objects(list: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    list.as_array().into_iter().flatten().filter_map(Value::as_object)
}
