//! The proxy's own reads from the upstream. They are billed to nobody.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::Full;
use serde_json::{Map, Value, json};

use super::{image_cache::Image, item_key::ItemKey};
use crate::{item::Item, tables::Tables, upstream::UpstreamClient};

/// Reads with the credentials of a caller: a DynamoDB Local without `-sharedDb` keeps one database for each access key id
/// and region, both of which are in the caller's `Authorization`.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    upstream: UpstreamClient,
    tables: Tables,
    headers: HeaderMap,
}

/// Images by [`ItemKey::id`].
pub(super) type Images = HashMap<String, Image>;

/// The most items that one `BatchGetItem` reads.
const BATCH: usize = 100;

impl Reader {
    pub(super) fn new(upstream: UpstreamClient, tables: Tables, caller: &HeaderMap) -> Self {
        let kept = [
            header::AUTHORIZATION,
            header::HeaderName::from_static("x-amz-date"),
            header::HeaderName::from_static("x-amz-security-token"),
        ];
        let mut headers: HeaderMap =
            kept.into_iter().filter_map(|name| Some((name.clone(), caller.get(&name)?.clone()))).collect();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        Self { upstream, tables, headers }
    }

    /// The current items, read consistently. Items that could not be read are left out.
    pub(super) async fn images(&self, keys: &[ItemKey]) -> Images {
        let mut images = Images::new();
        for batch in keys.chunks(BATCH) {
            let mut request: Map<String, Value> = Map::new();
            for ItemKey { table, key } in batch {
                let entry = request
                    .entry(table.clone())
                    .or_insert_with(|| json!({"ConsistentRead": true, "Keys": []}));
                if let Some(keys) = entry["Keys"].as_array_mut() {
                    keys.push(Value::Object(key.clone()));
                }
            }
            let Some(response) = self.call("BatchGetItem", &json!({"RequestItems": request})).await else {
                continue;
            };
            let id = |table: &String, key: Item| ItemKey { table: table.clone(), key }.id();
            let mut unprocessed = HashSet::new();
            for (table, left) in response["UnprocessedKeys"].as_object().into_iter().flatten() {
                unprocessed.extend(objects(&left["Keys"]).map(|key| id(table, key.clone())));
            }
            let read = batch.iter().map(ItemKey::id).filter(|id| !unprocessed.contains(id));
            images.extend(read.map(|id| (id, None)));
            for (table, items) in response["Responses"].as_object().into_iter().flatten() {
                let Some(schema) = self.tables.get(table) else { continue };
                images.extend(objects(items).filter_map(|item| {
                    Some((id(table, schema.key.of(item)?), Some(Arc::new(item.clone()))))
                }));
            }
        }
        images
    }

    /// Calls the upstream; none unless the call succeeds.
    pub(super) async fn call(&self, operation: &str, body: &Value) -> Option<Value> {
        let mut request = Request::new(Full::new(Bytes::from(body.to_string())));
        *request.method_mut() = Method::POST;
        request.headers_mut().clone_from(&self.headers);
        let target = HeaderValue::from_str(&format!("DynamoDB_20120810.{operation}")).ok()?;
        request.headers_mut().insert("x-amz-target", target);
        let response = self.upstream.send(request).await.ok()?;
        if response.head.status.is_success() { serde_json::from_slice(&response.body).ok() } else { None }
    }
}

/// The objects of a JSON list.
pub(super) fn objects(list: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    list.as_array().into_iter().flatten().filter_map(Value::as_object)
}
