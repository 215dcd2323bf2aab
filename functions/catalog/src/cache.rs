//! Offers that a warm function remembers for a few seconds.
//!
//! A stale price is harmless: the order's transaction insists on the price that was seen, and a changed one comes back
//! with the failed condition.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::ids::ProductId;
use lambda_kit::{Deadline, Error};

use crate::{product::OfferedProduct, store::Catalog};

const FRESH_FOR: Duration = Duration::from_secs(5);
/// More offers than a shop's hot products, few enough to never matter in memory.
const MOST_OFFERS: usize = 1000;

/// Name and price of products that were ordered lately.
#[derive(Debug, Default)]
pub struct OfferCache {
    offers: Mutex<HashMap<ProductId, (Instant, OfferedProduct)>>,
}

impl OfferCache {
    /// Name and price of each product, from memory where fresh, the others in one round trip. Products that the
    /// catalogue does not have are left out.
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

    /// Takes note of an offer that was just seen.
    pub fn remember(&self, offered: OfferedProduct) {
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        if offers.len() >= MOST_OFFERS {
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
        for number in 0..=MOST_OFFERS {
            let json = serde_json::json!({"amount": 100, "currency": "USD"});
            let price = serde_json::from_value(json).unwrap();
            let product_id: ProductId = format!("product-{number}").parse().unwrap();
            cache.remember(OfferedProduct { product_id, name: String::new(), price });
        }
        let last: ProductId = format!("product-{MOST_OFFERS}").parse().unwrap();
        assert!(cache.fresh(std::slice::from_ref(&last)).contains_key(&last));
        assert!(cache.offers.lock().unwrap().len() <= MOST_OFFERS);
    }
}
