//! `GET /products/{id}`: one product with its offer.

use catalog::{Catalog, ProductId};
use domain_primitives::Problem;
use lambda_kit::{
    aws::Aws,
    http::{self, Request, Response},
    logging,
};
use sha2::{Digest, Sha256};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    logging::init()?;
    let catalog = &Catalog::from_env(&Aws::from_env()?)?;
    http::serve(|request| get_product(catalog, request)).await
}

/// Returns the product with an `ETag`, or 304 when the client's copy is current.
///
/// # Errors
/// 404 for an unknown product; 412 when `If-Match` names another state of it; 503 when the catalogue cannot be read.
async fn get_product(catalog: &Catalog, request: Request) -> Result<Response, Problem> {
    let id = request.path_parameter("id").unwrap_or_default();
    // A text that is not a product id identifies no product.
    let Ok(product_id) = id.parse::<ProductId>() else {
        return Err(not_found());
    };
    let product = catalog.get(&product_id, request.deadline()).await?.ok_or_else(not_found)?;
    let response = Response::json(200, &product)?;
    let etag = etag(response.body());
    Ok(response.with_etag(&request, etag)?.header("cache-control", "no-cache"))
}

fn not_found() -> Problem {
    Problem::new(
        404,
        "product-not-found",
        "There is no such product",
        "No product has this id. GET /products lists them all.",
    )
}

/// A strong entity tag (RFC 9110, section 8.8.3): the digest of the body.
fn etag(body: &str) -> String {
    let digest = Sha256::digest(body);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_body_has_another_tag() {
        assert_eq!(etag("a"), etag("a"));
        assert_ne!(etag("a"), etag("b"));
    }
}
