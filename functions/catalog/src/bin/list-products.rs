//! `GET /products`: one page of the catalogue.

use catalog::{Catalog, list_products};
use lambda_kit::{aws::Aws, http, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let catalog = &Catalog::from_env(&Aws::from_env()?)?;
    http::serve(|request| list_products(catalog, request)).await
}
