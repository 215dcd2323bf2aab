//! `GET /products?category=&limit=&cursor=`: one page of the catalogue.

use catalog::{Catalog, ListRequest, ProductPage};
use domain_primitives::Problem;
use lambda_kit::{
    aws::Aws,
    http::{self, Request, Response},
    logging,
    page::{self, Page},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let catalog = &Catalog::from_env(&Aws::from_env()?)?;
    http::serve(|request| list_products(catalog, request)).await
}

/// Returns one page of the products in the order of their names.
///
/// # Errors
/// 400 for a bad limit, category or cursor; 503 when the catalogue cannot be read.
async fn list_products(catalog: &Catalog, request: Request) -> Result<Response, Problem> {
    let list = ListRequest::read(&request)?;
    let ProductPage { products, next } = catalog.list(&list, request.deadline()).await?;
    let next_cursor = next.map(|position| page::encode_cursor(&list.category, &position));
    Response::json(200, &Page { items: products, next_cursor })
}
