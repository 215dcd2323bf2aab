//! Reads and writes of the catalogue table.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, KeysAndAttributes, Put},
};
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    config::{self, ConfigError},
    retry::Backoff,
    transaction::{self, Outcome, Transaction},
};

use crate::{
    ids::ProductId,
    item::{self, Item, OFFER, OfferRecord, PRODUCT, ProductRecord},
    product::{NewProduct, OfferedProduct, Product},
};

/// The catalogue table.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// The maximum number of keys in one `BatchGetItem`.
const LARGEST_BATCH_GET: usize = 100;

impl Catalog {
    /// The table named by `CATALOG_TABLE`.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] when the variable is not set.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        Ok(Self::new(aws.dynamodb(), config::required("CATALOG_TABLE")?))
    }

    /// The catalogue in `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// A product with its offer, in one round trip.
    ///
    /// # Errors
    /// When `DynamoDB` does not respond, or an item cannot be read.
    pub async fn get(&self, product_id: &ProductId, deadline: Deadline) -> Result<Option<Product>, Error> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("product_id = :product_id")
            .expression_attribute_values(":product_id", AttributeValue::S(product_id.to_string()));
        let (mut product, mut offer) = (None, None);
        for item in deadline.send("DynamoDB", request.send()).await?.items.unwrap_or_default() {
            match item::record(&item) {
                PRODUCT => product = Some(item::read::<ProductRecord>("a product", item)?),
                OFFER => offer = Some(item::read::<OfferRecord>("an offer", item)?),
                _ => {}
            }
        }
        match (product, offer) {
            (Some(product), Some(offer)) => product.with(&offer).map(Some),
            _ => Ok(None),
        }
    }

    /// Name and price of each of these products; the result lacks those that are not in the catalogue.
    ///
    /// At most 50 products, in one round trip.
    pub(crate) async fn offers(
        &self,
        product_ids: &[ProductId],
        deadline: Deadline,
    ) -> Result<Vec<OfferedProduct>, Error> {
        let keys_of = |id| [item::key(id, PRODUCT), item::key(id, OFFER)];
        let keys = product_ids.iter().flat_map(keys_of).collect();
        let attributes = "product_id, #record, #name, price, currency, available";
        let (mut names, mut offers) = (HashMap::new(), Vec::new());
        for item in self.batch_get(keys, Some(attributes), deadline).await? {
            if item::record(&item) == OFFER {
                offers.push(item::read::<OfferRecord>("an offer", item)?);
            } else if let (Some(AttributeValue::S(id)), Some(AttributeValue::S(name))) =
                (item.get("product_id"), item.get("name"))
            {
                names.insert(id.clone(), name.clone());
            }
        }
        let with_name =
            |offer: OfferRecord| names.remove(offer.product_id.as_str()).map(|name| offer.with_name(name));
        offers.into_iter().filter_map(with_name).collect()
    }

    /// Reads up to 100 items. Keys that `DynamoDB` leaves unprocessed are requested again.
    pub(crate) async fn batch_get(
        &self,
        keys: Vec<Item>,
        attributes: Option<&str>,
        deadline: Deadline,
    ) -> Result<Vec<Item>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if keys.len() > LARGEST_BATCH_GET {
            return Err(Error::Internal(format!("{} keys in one BatchGetItem", keys.len())));
        }
        let mut wanted = KeysAndAttributes::builder().set_keys(Some(keys));
        if let Some(attributes) = attributes {
            wanted = wanted
                .projection_expression(attributes)
                .expression_attribute_names("#record", "record")
                .expression_attribute_names("#name", "name");
        }
        let mut request_items = HashMap::from([(self.table.clone(), wanted.build()?)]);
        let mut items = Vec::new();
        let mut backoff = Backoff::new(5, deadline);
        loop {
            let request = self.client.batch_get_item().set_request_items(Some(request_items));
            let output = deadline.send("DynamoDB", request.send()).await?;
            items.extend(output.responses.unwrap_or_default().into_values().flatten());
            request_items = output.unprocessed_keys.unwrap_or_default();
            if request_items.is_empty() {
                return Ok(items);
            }
            if !backoff.wait().await {
                return Err(Error::unavailable("DynamoDB", "keys of a BatchGetItem stay unprocessed"));
            }
        }
    }

    /// Adds a product and its offer to the catalogue, both or none. Returns false and changes nothing if the product
    /// exists.
    ///
    /// # Errors
    /// When `DynamoDB` does not accept the write.
    pub async fn insert(&self, product: &NewProduct, deadline: Deadline) -> Result<bool, Error> {
        let put = |item: Item| {
            let put = Put::builder().table_name(&self.table).set_item(Some(item));
            transaction::put_item(put.condition_expression("attribute_not_exists(product_id)"))
        };
        let transaction = Transaction::default()
            .with(PRODUCT, put(item::write(ProductRecord::new(product))?)?)
            .with(OFFER, put(item::write(OfferRecord::new(product))?)?);
        Ok(matches!(transaction.write(&self.client, deadline).await?, Outcome::Written))
    }
}
