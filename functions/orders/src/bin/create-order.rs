//! `POST /orders`: takes stock and makes an order in one transaction.

use catalog::{Catalog, OfferCache};
use lambda_kit::{aws::Aws, http, logging};
use orders::{OrderService, Orders, create_order};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let aws = Aws::from_env()?;
    let service = &OrderService {
        catalog: Catalog::from_env(&aws)?,
        orders: Orders::from_env(&aws)?,
        offers: OfferCache::default(),
    };
    http::serve(|request| create_order(service, request)).await
}
