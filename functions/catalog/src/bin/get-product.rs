//! `GET /products/{id}`: one product with its offer.

use catalog::{Catalog, get_product};
use lambda_kit::{aws::Aws, http, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let catalog = &Catalog::from_env(&Aws::from_env()?)?;
    http::serve(|request| get_product(catalog, request)).await
}
