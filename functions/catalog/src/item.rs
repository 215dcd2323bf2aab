//! How products and offers are stored.

use std::collections::HashMap;

use crate::ids::{Category, ProductId};
use aws_sdk_dynamodb::types::AttributeValue;
use domain_primitives::{Currency, Money, Timestamp};
use lambda_kit::Error;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1 as serde_dynamo;

use crate::product::{NewProduct, OfferedProduct, Product};

/// An item as the SDK represents it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The sort key of the product record.
pub(crate) const PRODUCT: &str = "product";
/// The sort key of the offer record.
pub(crate) const OFFER: &str = "offer";

/// The only partition of the index that lists all products by name. One partition serves 3,000 reads a second, which is
/// enough for a shop's catalogue: products change rarely, and offers are not in the index.
pub(crate) const LISTING: &str = "product";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ProductRecord {
    pub(crate) product_id: ProductId,
    pub(crate) record: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: Category,
    pub(crate) image: String,
    /// Counts the changes of this record.
    pub(crate) version: u64,
    pub(crate) updated_at: Timestamp,
    /// [`LISTING`]: partition key of the index by name.
    pub(crate) listing: String,
    /// Sort key of both listing indexes.
    pub(crate) sort_name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OfferRecord {
    pub(crate) product_id: ProductId,
    pub(crate) record: String,
    /// Minor units.
    pub(crate) price: u64,
    pub(crate) currency: Currency,
    pub(crate) available: u64,
}

impl ProductRecord {
    pub(crate) fn new(product: &NewProduct) -> Self {
        Self {
            product_id: product.product_id.clone(),
            record: PRODUCT.to_owned(),
            name: product.name.clone(),
            description: product.description.clone(),
            category: product.category.clone(),
            image: product.image.clone(),
            version: 1,
            updated_at: Timestamp::now(),
            listing: LISTING.to_owned(),
            sort_name: sort_name(&product.name, &product.product_id),
        }
    }

    pub(crate) fn with(self, offer: &OfferRecord) -> Result<Product, Error> {
        Ok(Product {
            price: offer.money()?,
            available: offer.available,
            product_id: self.product_id,
            name: self.name,
            description: self.description,
            category: self.category,
            image: self.image,
            updated_at: self.updated_at,
        })
    }
}

impl OfferRecord {
    pub(crate) fn new(product: &NewProduct) -> Self {
        Self {
            product_id: product.product_id.clone(),
            record: OFFER.to_owned(),
            price: product.price.amount(),
            currency: product.price.currency(),
            available: product.available,
        }
    }

    pub(crate) fn money(&self) -> Result<Money, Error> {
        Money::new(self.price, self.currency).map_err(|error| Error::unreadable("an offer", error))
    }

    pub(crate) fn with_name(&self, name: String) -> Result<OfferedProduct, Error> {
        Ok(OfferedProduct { product_id: self.product_id.clone(), name, price: self.money()? })
    }
}

/// Sorts by name without regard to case; the id makes it unique.
pub(crate) fn sort_name(name: &str, product_id: &ProductId) -> String {
    format!("{}#{product_id}", name.to_lowercase())
}

/// Whether a text can be the [`sort_name`] of this product under any name.
pub(crate) fn is_sort_name(text: &str, product_id: &ProductId) -> bool {
    text.strip_suffix(product_id.as_str()).is_some_and(|name| name.ends_with('#'))
}

/// The primary key of one record of a product.
pub(crate) fn key(product_id: &ProductId, record: &str) -> Item {
    HashMap::from([
        ("product_id".to_owned(), AttributeValue::S(product_id.to_string())),
        ("record".to_owned(), AttributeValue::S(record.to_owned())),
    ])
}

/// Which record an item is: [`PRODUCT`] or [`OFFER`].
pub(crate) fn record(item: &Item) -> &str {
    item.get("record").and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(what: &str, item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|error| Error::unreadable(what, error))
}

/// The items that a list leaves out because they cannot be read: one that is broken does not take the others with it.
#[derive(Debug, Default)]
pub(crate) struct LeftOut(Vec<String>);

impl LeftOut {
    /// What an item of the list is read as; none for one that is left out.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(&mut self, item: Item) -> Option<T> {
        let name = name(&item);
        let read = serde_dynamo::from_item(item).ok();
        self.unless_some(read, name)
    }

    /// The product with its offer; none for an offer without a price that money can be.
    pub(crate) fn join(&mut self, product: ProductRecord, offer: &OfferRecord) -> Option<Product> {
        let name = format!("{}/{OFFER}", product.product_id);
        let joined = product.with(offer).ok();
        self.unless_some(joined, name)
    }

    fn unless_some<T>(&mut self, read: Option<T>, name: String) -> Option<T> {
        if read.is_none() {
            self.0.push(name);
        }
        read
    }

    /// Logs their keys and how many they are, for a metric; never what they hold.
    pub(crate) fn log(self) {
        if !self.0.is_empty() {
            tracing::error!(
                unreadable = self.0.len(),
                keys = ?self.0,
                "items are left out of a list"
            );
        }
    }
}

/// The key of an item in one word: `stoneware-mug/offer`.
fn name(item: &Item) -> String {
    let product_id = item.get("product_id").and_then(|value| value.as_s().ok()).map_or("", String::as_str);
    format!("{product_id}/{}", record(item))
}

pub(crate) fn write<T: Serialize>(item: T) -> Result<Item, Error> {
    serde_dynamo::to_item(item).map_err(|error| Error::Internal(format!("cannot write an item: {error}")))
}
