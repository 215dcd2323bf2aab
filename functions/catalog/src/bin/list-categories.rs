//! `GET /categories`: the categories that products are in.

use catalog::Catalog;
use domain_primitives::Problem;
use lambda_kit::{
    aws::Aws,
    http::{self, Request, Response},
    logging,
};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let catalog = &Catalog::from_env(&Aws::from_env()?)?;
    http::serve(|request| list_categories(catalog, request)).await
}

/// Returns all categories in alphabetical order.
///
/// # Errors
/// 503 when the catalogue cannot be read.
async fn list_categories(catalog: &Catalog, request: Request) -> Result<Response, Problem> {
    let categories = catalog.categories(request.deadline()).await?;
    Response::json(200, &json!({"items": categories}))
}
