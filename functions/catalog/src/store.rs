//! Reads and writes of the catalogue table.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem},
};
use lambda_kit::{
    Deadline, Error,
    aws::Aws,
    config::{self, ConfigError},
    retry::Backoff,
    transaction::{self, Outcome},
};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{Category, ProductId},
    item::{self, Item, OFFER, OfferItem, PRODUCT, ProductItem},
    product::{NewProduct, OfferedProduct, Product},
};

/// The catalogue table.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// Where a page of the list ended: the index sort key of its last item, and its product. A client holds it in a cursor, so
/// one that no product can be at is refused: DynamoDB would refuse it too, which would look like a fault of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(String, ProductId)", into = "(String, ProductId)")]
pub struct Position {
    sort_name: String,
    product_id: ProductId,
}

impl TryFrom<(String, ProductId)> for Position {
    type Error = &'static str;

    fn try_from((sort_name, product_id): (String, ProductId)) -> Result<Self, &'static str> {
        if item::is_sort_name(&sort_name, &product_id) {
            Ok(Self { sort_name, product_id })
        } else {
            Err("the sort key is another product's")
        }
    }
}

impl From<Position> for (String, ProductId) {
    fn from(position: Position) -> Self {
        (position.sort_name, position.product_id)
    }
}

/// The most keys of one `BatchGetItem`.
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

    /// At most `limit` products in the order of their names, of one category or of all, and whether more follow.
    ///
    /// Two round trips: one page of the index, then the offers of its products.
    pub(crate) async fn list(
        &self,
        category: Option<&Category>,
        limit: usize,
        after: Option<&Position>,
        deadline: Deadline,
    ) -> Result<(Vec<Product>, Option<Position>), Error> {
        // One more than asked for tells whether there is a next page, so that no page is ever empty.
        let mut records = self.query_index(category, limit + 1, after, deadline).await?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records
            .last()
            .filter(|_| more)
            .map(|last| Position { sort_name: last.sort_name.clone(), product_id: last.product_id.clone() });
        let keys = records.iter().map(|product| item::key(&product.product_id, OFFER)).collect();
        let mut offers = HashMap::new();
        for item in self.batch_get(keys, None, deadline).await? {
            let offer: OfferItem = item::read("an offer", item)?;
            offers.insert(offer.product_id.clone(), offer);
        }
        let mut products = Vec::with_capacity(records.len());
        for record in records {
            match offers.get(&record.product_id) {
                Some(offer) => products.push(record.with(offer)?),
                None => tracing::warn!(product_id = record.product_id.as_str(), "product without an offer"),
            }
        }
        Ok((products, next))
    }

    async fn query_index(
        &self,
        category: Option<&Category>,
        limit: usize,
        after: Option<&Position>,
        deadline: Deadline,
    ) -> Result<Vec<ProductItem>, Error> {
        let (index, attribute, value) = match category {
            Some(category) => ("by-category", "category", category.as_str()),
            None => ("by-name", "listing", item::LISTING),
        };
        let start = after.map(|Position { sort_name, product_id }| {
            let mut key = item::key(product_id, PRODUCT);
            key.insert("sort_name".to_owned(), AttributeValue::S(sort_name.clone()));
            key.insert(attribute.to_owned(), AttributeValue::S(value.to_owned()));
            key
        });
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", attribute)
            .expression_attribute_values(":partition", AttributeValue::S(value.to_owned()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let page = deadline.send("DynamoDB", request.send()).await?;
        page.items.unwrap_or_default().into_iter().map(|item| item::read("a product", item)).collect()
    }

    /// A product with its offer: both records in one round trip.
    pub(crate) async fn get(
        &self,
        product_id: &ProductId,
        deadline: Deadline,
    ) -> Result<Option<Product>, Error> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("product_id = :product_id")
            .expression_attribute_values(":product_id", AttributeValue::S(product_id.to_string()));
        let (mut product, mut offer) = (None, None);
        for item in deadline.send("DynamoDB", request.send()).await?.items.unwrap_or_default() {
            match item::record(&item) {
                PRODUCT => product = Some(item::read::<ProductItem>("a product", item)?),
                OFFER => offer = Some(item::read::<OfferItem>("an offer", item)?),
                _ => {}
            }
        }
        match (product, offer) {
            (Some(product), Some(offer)) => product.with(&offer).map(Some),
            _ => Ok(None),
        }
    }

    /// Name and price of each of these products; those that the catalogue does not have are left out.
    ///
    /// At most 50 products, in one round trip.
    pub(crate) async fn offers(
        &self,
        product_ids: &[ProductId],
        deadline: Deadline,
    ) -> Result<Vec<OfferedProduct>, Error> {
        let both = |id| [item::key(id, PRODUCT), item::key(id, OFFER)];
        let keys = product_ids.iter().flat_map(both).collect();
        let attributes = "product_id, #record, #name, price, currency, available";
        let (mut names, mut offers) = (HashMap::new(), Vec::new());
        for item in self.batch_get(keys, Some(attributes), deadline).await? {
            if item::record(&item) == OFFER {
                offers.push(item::read::<OfferItem>("an offer", item)?);
            } else if let (Some(AttributeValue::S(id)), Some(AttributeValue::S(name))) =
                (item.get("product_id"), item.get("name"))
            {
                names.insert(id.clone(), name.clone());
            }
        }
        let named = |offer: OfferItem| names.remove(offer.product_id.as_str()).map(|name| offer.named(name));
        offers.into_iter().filter_map(named).collect()
    }

    /// Reads up to 100 items; what `DynamoDB` leaves unprocessed is asked for again.
    async fn batch_get(
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
        let wanted = wanted.build().map_err(|error| Error::Internal(error.to_string()))?;
        let mut request_items = HashMap::from([(self.table.clone(), wanted)]);
        let mut items = Vec::new();
        let mut backoff = Backoff::new(5, deadline);
        loop {
            let request = self.client.batch_get_item().set_request_items(Some(request_items));
            let answer = deadline.send("DynamoDB", request.send()).await?;
            items.extend(answer.responses.unwrap_or_default().into_values().flatten());
            request_items = answer.unprocessed_keys.unwrap_or_default();
            if request_items.is_empty() {
                return Ok(items);
            }
            if !backoff.wait().await {
                return Err(Error::unavailable("DynamoDB", "keys of a BatchGetItem stay unprocessed"));
            }
        }
    }

    /// Puts a product and its offer into the catalogue, both or none. False when the product is there already; then
    /// nothing changes.
    ///
    /// # Errors
    /// When `DynamoDB` does not take the write.
    pub async fn insert(&self, product: &NewProduct, deadline: Deadline) -> Result<bool, Error> {
        let put = |item: Item| {
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(product_id)")
                .build()
                .map_err(|error| Error::Internal(error.to_string()))?;
            Ok::<_, Error>(TransactWriteItem::builder().put(put).build())
        };
        let items =
            vec![put(item::write(ProductItem::new(product))?)?, put(item::write(OfferItem::new(product))?)?];
        Ok(matches!(transaction::write(&self.client, items, deadline).await?, Outcome::Written))
    }
}
