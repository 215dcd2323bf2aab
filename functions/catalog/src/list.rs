//! Lists of the catalogue. An item that cannot be read is left out, and the others are listed.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_kit::{Deadline, Error};

use crate::{
    ids::Category,
    item::{self, Item, LeftOut, OFFER, OfferRecord, PRODUCT, ProductRecord},
    list_request::ListRequest,
    position::Position,
    product::Product,
    store::Catalog,
};

/// One page of the list.
#[derive(Debug)]
pub struct ProductPage {
    /// The products in the order of their names.
    pub products: Vec<Product>,
    /// Where the next page starts, if there is one.
    pub next: Option<Position>,
}

/// An index that lists products by name, and the part of it that is listed.
struct Index<'a> {
    name: &'static str,
    /// Its partition key, and the value.
    attribute: &'static str,
    value: &'a str,
}

impl<'a> Index<'a> {
    fn of(request: &'a ListRequest) -> Self {
        match &request.category {
            Some(category) => Self { name: "by-category", attribute: "category", value: category.as_str() },
            None => Self { name: "by-name", attribute: "listing", value: item::LISTING },
        }
    }

    /// The key that a query begins behind.
    fn start(&self, Position { sort_name, product_id }: &Position) -> Item {
        let mut key = item::key(product_id, PRODUCT);
        key.insert("sort_name".to_owned(), AttributeValue::S(sort_name.clone()));
        key.insert(self.attribute.to_owned(), AttributeValue::S(self.value.to_owned()));
        key
    }

    /// Whether an attribute is part of that key.
    fn is_key(&self, attribute: &str) -> bool {
        attribute == self.attribute || ["product_id", "record", "sort_name"].contains(&attribute)
    }
}

impl Catalog {
    /// One page of the products of a category, or of all.
    ///
    /// It takes two round trips: one page of the index, then the offers of its products. Items that cannot be read are left
    /// out, so that a page may be shorter than its limit.
    ///
    /// # Errors
    /// When `DynamoDB` does not respond.
    pub async fn list(&self, request: &ListRequest, deadline: Deadline) -> Result<ProductPage, Error> {
        let mut left_out = LeftOut::default();
        let (records, next) = self.records(request, &mut left_out, deadline).await?;
        let keys = records.iter().map(|product| item::key(&product.product_id, OFFER)).collect();
        let mut offers = HashMap::new();
        for item in self.batch_get(keys, None, deadline).await? {
            let Some(offer) = left_out.read::<OfferRecord>(item) else { continue };
            offers.insert(offer.product_id.clone(), offer);
        }
        let mut products = Vec::with_capacity(records.len());
        for record in records {
            match offers.get(&record.product_id) {
                Some(offer) => products.extend(left_out.join(record, offer)),
                None => tracing::warn!(product_id = record.product_id.as_str(), "product without an offer"),
            }
        }
        left_out.log();
        Ok(ProductPage { products, next })
    }

    /// The product records of a page, and where the next page starts.
    async fn records(
        &self,
        request: &ListRequest,
        left_out: &mut LeftOut,
        deadline: Deadline,
    ) -> Result<(Vec<ProductRecord>, Option<Position>), Error> {
        let index = Index::of(request);
        let mut start = request.after.as_ref().map(|position| index.start(position));
        let mut records = Vec::new();
        loop {
            let limit = request.limit.get() - records.len();
            // One more than requested shows whether there is a next page.
            let mut items = self.query_index(&index, limit + 1, start, deadline).await?;
            let more = items.len() > limit;
            items.truncate(limit);
            let last = items.last().filter(|_| more).cloned();
            records.extend(items.into_iter().filter_map(|item| left_out.read(item)));
            let Some(last) = last else { return Ok((records, None)) };
            if let Some(next) = Position::of(&last) {
                return Ok((records, Some(next)));
            }
            // No cursor can name the key of this item, so the page goes on behind it.
            start = Some(last.into_iter().filter(|(name, _)| index.is_key(name)).collect());
        }
    }

    async fn query_index(
        &self,
        index: &Index<'_>,
        limit: usize,
        start: Option<Item>,
        deadline: Deadline,
    ) -> Result<Vec<Item>, Error> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index.name)
            .key_condition_expression("#partition = :partition")
            .expression_attribute_names("#partition", index.attribute)
            .expression_attribute_values(":partition", AttributeValue::S(index.value.to_owned()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        Ok(deadline.send("DynamoDB", request.send()).await?.items.unwrap_or_default())
    }

    /// The categories that products are in.
    ///
    /// Items that cannot be read are left out.
    ///
    /// # Errors
    /// When `DynamoDB` does not respond.
    pub async fn categories(&self, deadline: Deadline) -> Result<BTreeSet<Category>, Error> {
        let pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by-name")
            .key_condition_expression("listing = :listing")
            .expression_attribute_values(":listing", AttributeValue::S(item::LISTING.to_owned()))
            .into_paginator()
            .items()
            .send();
        let items = deadline.send("DynamoDB", pages.try_collect()).await?;
        let mut left_out = LeftOut::default();
        let products = items.into_iter().filter_map(|item| left_out.read::<ProductRecord>(item));
        let categories = products.map(|product| product.category).collect();
        left_out.log();
        Ok(categories)
    }
}
