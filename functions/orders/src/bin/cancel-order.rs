//! `POST /orders/{id}/cancel`: calls an order off and gives its stock back in one transaction.

use catalog::Catalog;
use lambda_kit::{aws::Aws, http, logging};
use orders::{Orders, cancel_order};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let aws = Aws::from_env()?;
    let (orders, catalog) = (&Orders::from_env(&aws)?, &Catalog::from_env(&aws)?);
    http::serve(|request| cancel_order(orders, catalog, request)).await
}
