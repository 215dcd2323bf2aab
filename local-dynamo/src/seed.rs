//! The demo catalogue.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use catalog::{Catalog, NewProduct};
use futures_util::future::try_join_all;
use shared::Deadline;

use crate::Error;

/// What seeding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Products that are new.
    pub inserted: usize,
    /// Products that were there and stay as they are, stock included.
    pub present: usize,
}

/// Products that are written at once.
const AT_ONCE: usize = 16;
const EACH_WITHIN: Duration = Duration::from_secs(10);
/// How often a product is tried that finds no answer: a start shall not fail because the machine was busy for a moment.
const TRIES: u32 = 3;

/// Puts the products of a JSON list into the catalogue table, unless they are there.
///
/// # Errors
/// When the JSON is not a list of products, or the table does not take one.
pub async fn seed(client: &Client, catalog_table: &str, json: &str) -> Result<Seeded, Error> {
    let products: Vec<NewProduct> =
        serde_json::from_str(json).map_err(|error| Error::Seed(error.to_string()))?;
    let catalog = Catalog::new(client.clone(), catalog_table.to_owned());
    let mut seeded = Seeded::default();
    for products in products.chunks(AT_ONCE) {
        let inserts = products.iter().map(|product| insert(&catalog, product));
        let inserted = try_join_all(inserts).await.map_err(|error| Error::Call {
            action: format!("seed the table {catalog_table}"),
            cause: error.to_string(),
        })?;
        let new = inserted.iter().filter(|inserted| **inserted).count();
        seeded.inserted += new;
        seeded.present += inserted.len() - new;
    }
    Ok(seeded)
}

/// Puts a product, unless it is there: so it can be tried again.
async fn insert(catalog: &Catalog, product: &NewProduct) -> Result<bool, shared::Error> {
    for _ in 1..TRIES {
        match catalog.insert(product, Deadline::within(EACH_WITHIN)).await {
            Err(shared::Error::Unavailable { .. }) => {}
            result => return result,
        }
    }
    catalog.insert(product, Deadline::within(EACH_WITHIN)).await
}
