//! A cache of offers: a warm function keeps them for a few seconds.
//!
//! A stale price is harmless: the order's transaction has a condition on the price, and a failed condition returns the
//! current one.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use lambda_kit::{Deadline, Error};

use crate::{ids::ProductId, product::OfferedProduct, store::Catalog};

const FRESH_FOR: Duration = Duration::from_secs(5);
/// More than the popular products of a shop, and little memory.
const MAX_OFFERS: usize = 1000;

/// Names and prices of products that were ordered in the last seconds.
#[derive(Debug, Default)]
pub struct OfferCache {
    offers: Mutex<HashMap<ProductId, (Instant, OfferedProduct)>>,
}

impl OfferCache {
    /// Name and price of each product: from the cache where fresh, the others in one round trip. The result lacks products
    /// that are not in the catalogue.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn offers(
        &self,
        catalog: &Catalog,
        product_ids: &[ProductId],
        deadline: Deadline,
    ) -> Result<HashMap<ProductId, OfferedProduct>, Error> {
        let mut offers = self.fresh(product_ids);
        let missing: Vec<_> = product_ids.iter().filter(|id| !offers.contains_key(id)).cloned().collect();
        if !missing.is_empty() {
            for offered in catalog.offers(&missing, deadline).await? {
                self.remember(offered.clone());
                offers.insert(offered.product_id.clone(), offered);
            }
        }
        Ok(offers)
    }

    /// Stores an offer that was just read.
    pub fn remember(&self, offered: OfferedProduct) {
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        if offers.len() >= MAX_OFFERS {
            offers.clear();
        }
        offers.insert(offered.product_id.clone(), (Instant::now(), offered));
    }

    fn fresh(&self, product_ids: &[ProductId]) -> HashMap<ProductId, OfferedProduct> {
        let offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |id: &ProductId| {
            let (seen, offered) = offers.get(id)?;
            (seen.elapsed() < FRESH_FOR).then(|| (id.clone(), offered.clone()))
        };
        product_ids.iter().filter_map(fresh).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_a_bounded_number_of_offers() {
        let cache = OfferCache::default();
        for number in 0..=MAX_OFFERS {
            let json = serde_json::json!({"amount": 100, "currency": "USD"});
            let price = serde_json::from_value(json).unwrap();
            let product_id: ProductId = format!("product-{number}").parse().unwrap();
            cache.remember(OfferedProduct { product_id, name: String::new(), price });
        }
        let last: ProductId = format!("product-{MAX_OFFERS}").parse().unwrap();
        assert!(cache.fresh(std::slice::from_ref(&last)).contains_key(&last));
        assert!(cache.offers.lock().unwrap().len() <= MAX_OFFERS);
    }
}
