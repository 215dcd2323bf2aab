//! The demo catalogue's stock, customers, and their idempotency keys.

use std::{
    collections::BTreeMap,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use serde_json::Value;

use crate::Client;

/// The demo catalogue.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn products() -> &'static [Value] {
    static PRODUCTS: LazyLock<Vec<Value>> =
        LazyLock::new(|| serde_json::from_str(include_str!("../../seed/products.json")).unwrap());
    &PRODUCTS
}

/// The demo catalogue's stock by product.
pub(crate) fn seeded() -> BTreeMap<String, i64> {
    products().iter().map(available).collect()
}

/// What the shop says is there, by product.
pub(crate) async fn available_over_http(http: &Client) -> BTreeMap<String, i64> {
    let mut stock = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let response = http.get(&format!("/products?limit=100{cursor}")).response().await;
        assert_eq!(response.status, 200, "{response:?}");
        let page = response.json();
        stock.extend(page["items"].as_array().unwrap().iter().map(available));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return stock,
        }
    }
}

fn available(product: &Value) -> (String, i64) {
    (product["product_id"].as_str().unwrap().to_owned(), product["available"].as_i64().unwrap())
}

/// An e-mail address that no test had before, in this run or another.
pub(crate) fn unique_email() -> String {
    format!("buyer-{}@example.com", unique_name())
}

/// An Idempotency-Key that no request had before, in this run or another.
///
/// # Panics
/// When the clock is before 1970.
#[must_use]
pub fn unique_key() -> String {
    format!("key-{}", unique_name())
}

fn unique_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("{now:x}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}
