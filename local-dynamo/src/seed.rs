//! The demo catalogue.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use catalog::{Catalog, NewProduct};
use futures_util::future::try_join_all;
use lambda_kit::{Deadline, retry::Backoff};

/// Why the catalogue could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file is not a list of products.
    #[error("the seed is not a list of products: {0}")]
    Products(#[from] serde_json::Error),
    /// A product cannot be written to the table.
    #[error("cannot seed the table {table}: {cause}. Is the endpoint right, and does it answer?")]
    Table {
        /// The table's name.
        table: String,
        /// The error of the last attempt.
        cause: lambda_kit::Error,
    },
}

/// The number of products that were seeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Products that were inserted.
    pub inserted: usize,
    /// Products that existed before. They are not changed, and neither is their stock.
    pub present: usize,
}

/// How many products are written concurrently.
const CONCURRENCY: usize = 16;
/// The time for a product: three attempts of at most five seconds each.
const TIMEOUT: Duration = Duration::from_secs(16);
/// How often a write without a response is retried, so that a start does not fail because the machine was busy for a moment.
const RETRIES: u32 = 2;

/// Inserts the products of a JSON list that are not in the catalogue table yet.
///
/// # Errors
/// If the JSON is not a list of products, or one cannot be written.
pub async fn seed(client: &Client, catalog_table: &str, json: &str) -> Result<Seeded, SeedError> {
    let products: Vec<NewProduct> = serde_json::from_str(json)?;
    let catalog = Catalog::new(client.clone(), catalog_table.to_owned());
    let mut seeded = Seeded::default();
    for chunk in products.chunks(CONCURRENCY) {
        let inserts = chunk.iter().map(|product| insert(&catalog, product));
        let inserted = try_join_all(inserts)
            .await
            .map_err(|cause| SeedError::Table { table: catalog_table.to_owned(), cause })?;
        seeded.inserted += inserted.into_iter().filter(|inserted| *inserted).count();
    }
    seeded.present = products.len() - seeded.inserted;
    Ok(seeded)
}

/// Inserts a product unless it exists, with retries. Returns whether it was inserted.
async fn insert(catalog: &Catalog, product: &NewProduct) -> Result<bool, lambda_kit::Error> {
    let deadline = Deadline::within(TIMEOUT);
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

    /// More connections than the SDK's attempts at one write, and fewer than at two.
    const DROPPED: usize = 5;

    #[tokio::test]
    async fn a_write_without_a_response_is_retried() {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
        let settings = Settings { parameters: crate::development_parameters(), ..Settings::default() };
        let template = Template::load(&template, &settings).unwrap();
        let server = Embedded::start(0, "us-east-1", None).await.unwrap();
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
