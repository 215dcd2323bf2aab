//! The demo catalogue.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use catalog::{Catalog, NewProduct};
use futures_util::future::try_join_all;
use lambda_kit::{Deadline, retry::Backoff};

/// Why the catalogue was not filled.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file is not a list of products.
    #[error("the seed is not a list of products: {0}")]
    Products(#[from] serde_json::Error),
    /// The table does not take a product.
    #[error("cannot seed the table {table}: {cause}. Is the endpoint right, and does it answer?")]
    Table {
        /// The table's name.
        table: String,
        /// What went wrong.
        cause: lambda_kit::Error,
    },
}

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
/// Three attempts, of which none waits for longer than five seconds.
const EACH_WITHIN: Duration = Duration::from_secs(16);
/// How often a product that found no answer is tried again: a start shall not fail because the machine was busy for a moment.
const RETRIES: u32 = 2;

/// Puts the products of a JSON list into the catalogue table, unless they are there.
///
/// # Errors
/// When the JSON is not a list of products, or the table does not take one.
pub async fn seed(client: &Client, catalog_table: &str, json: &str) -> Result<Seeded, SeedError> {
    let products: Vec<NewProduct> = serde_json::from_str(json)?;
    let catalog = Catalog::new(client.clone(), catalog_table.to_owned());
    let mut seeded = Seeded::default();
    for products in products.chunks(AT_ONCE) {
        let inserts = products.iter().map(|product| insert(&catalog, product));
        let inserted = try_join_all(inserts)
            .await
            .map_err(|cause| SeedError::Table { table: catalog_table.to_owned(), cause })?;
        let new = inserted.iter().filter(|inserted| **inserted).count();
        seeded.inserted += new;
        seeded.present += inserted.len() - new;
    }
    Ok(seeded)
}

/// Puts a product, unless it is there: so it can be tried again.
async fn insert(catalog: &Catalog, product: &NewProduct) -> Result<bool, lambda_kit::Error> {
    let deadline = Deadline::within(EACH_WITHIN);
    let mut backoff = Backoff::new(RETRIES, deadline);
    loop {
        match catalog.insert(product, deadline).await {
            Err(lambda_kit::Error::Unavailable { .. }) if backoff.wait().await => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use embedded_dynamodb::{Embedded, client, ensure_tables};
    use sam_template::{Settings, Template};
    use tokio::{
        io::copy_bidirectional,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// More than the SDK's attempts at one write, and fewer than at two.
    const DROPPED: usize = 5;

    #[tokio::test]
    async fn a_product_that_found_no_answer_is_tried_again() {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
        let template = Template::load(&template, &Settings::default()).unwrap();
        let server = Embedded::start(0, None).await.unwrap();
        let direct = client(&server.endpoint(), "us-east-1", "local");
        let tables = ensure_tables(&direct, &template).await.unwrap();

        let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", busy.local_addr().unwrap());
        let address = server.endpoint().trim_start_matches("http://").to_owned();
        let forward = tokio::spawn(async move {
            for number in 0.. {
                let (mut from, _) = busy.accept().await.unwrap();
                if number >= DROPPED {
                    let mut to = TcpStream::connect(&address).await.unwrap();
                    tokio::spawn(async move { copy_bidirectional(&mut from, &mut to).await });
                }
            }
        });
        let product = r#"[{"product_id": "mug", "name": "Mug", "description": "A mug.", "category": "kitchen",
            "image": "data:,", "available": 1, "price": {"amount": 100, "currency": "USD"}}]"#;
        let client = client(&endpoint, "us-east-1", "local");
        let seeded = seed(&client, &tables["CatalogTable"], product).await.unwrap();
        assert_eq!(seeded, Seeded { inserted: 1, present: 0 });
        forward.abort();
        server.stop().await;
    }
}
