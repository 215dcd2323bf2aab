//! `GET /products/{id}`

use crate::ids::ProductId;
use domain_primitives::Problem;
use lambda_kit::http::{Request, Response};
use sha2::{Digest, Sha256};

use crate::store::Catalog;

/// Answers one product with an `ETag`; 304 when the client has it already.
///
/// # Errors
/// 404 for an unknown product; 503 when the catalogue cannot be read.
pub async fn get_product(catalog: &Catalog, request: Request) -> Result<Response, Problem> {
    let id = request.path_parameter("id").unwrap_or_default();
    // A text that cannot be an id names no product.
    let Ok(product_id) = id.parse::<ProductId>() else {
        return Err(not_found());
    };
    let product = catalog.get(&product_id, request.deadline()).await?.ok_or_else(not_found)?;
    let answer = Response::json(200, &product)?;
    let etag = etag(answer.body());
    let known = request.header("if-none-match")?.is_some_and(|tags| matches(tags, &etag));
    let answer = if known { Response::empty(304) } else { answer };
    Ok(answer.header("etag", etag).header("cache-control", "no-cache"))
}

fn not_found() -> Problem {
    Problem::new(
        404,
        "product-not-found",
        "There is no such product",
        "No product has this id. GET /products lists them all.",
    )
}

/// A strong entity tag (RFC 9110, section 8.8.3): the answer's own digest.
fn etag(body: &str) -> String {
    let digest = Sha256::digest(body);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// Whether If-None-Match names the tag, by weak comparison (RFC 9110, section 13.1.2).
fn matches(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_body_has_another_tag() {
        assert_eq!(etag("a"), etag("a"));
        assert_ne!(etag("a"), etag("b"));
    }

    #[test]
    fn if_none_match_compares_weakly_and_in_lists() {
        for tags in ["*", "\"x\"", "W/\"x\"", "\"a\", \"x\""] {
            assert!(matches(tags, "\"x\""), "{tags}");
        }
        assert!(!matches("\"xy\", x", "\"x\""));
    }
}
