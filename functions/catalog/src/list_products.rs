//! `GET /products?category=&limit=&cursor=`

use domain_primitives::{Problem, Violation};
use lambda_kit::{
    http::{Request, Response},
    page::{self, Limit, Page},
};

use crate::{
    ids::Category,
    store::{Catalog, Position},
};

/// What a client asks the list for.
#[derive(Debug)]
pub struct ListRequest {
    /// One category, or all.
    pub category: Option<Category>,
    /// The most products of the page.
    pub limit: Limit,
    /// Where the page before ended.
    pub after: Option<Position>,
}

impl ListRequest {
    /// Reads the query.
    ///
    /// # Errors
    /// 400 for a bad limit, category or cursor.
    pub fn read(request: &Request) -> Result<Self, Problem> {
        let limit = Limit::parse(request.query_parameter("limit").as_deref())?;
        let category = request
            .query_parameter("category")
            .map(Category::try_from)
            .transpose()
            .map_err(|error| Problem::invalid(vec![Violation::new("category", error.to_string())]))?;
        let after = match request.query_parameter("cursor") {
            Some(cursor) => Some(page::decode_cursor(&cursor, &category)?),
            None => None,
        };
        Ok(Self { category, limit, after })
    }
}

/// Answers one page of the products in the order of their names.
///
/// # Errors
/// 400 for a bad limit, category or cursor; 503 when the catalogue cannot be read.
pub async fn list_products(catalog: &Catalog, request: Request) -> Result<Response, Problem> {
    let ListRequest { category, limit, after } = ListRequest::read(&request)?;
    let (items, next) =
        catalog.list(category.as_ref(), limit.get(), after.as_ref(), request.deadline()).await?;
    let next_cursor = next.map(|position| page::encode_cursor(&category, &position));
    Response::json(200, &Page { items, next_cursor })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_to_where_no_product_is_is_refused() {
        let read = |position| {
            let cursor = page::encode_cursor(&None::<Category>, &position);
            page::decode_cursor::<_, Position>(&cursor, &None::<Category>)
        };
        assert!(read(json!(["stoneware mug#stoneware-mug", "stoneware-mug"])).is_ok());
        for forged in [json!(["", "a"]), json!(["a#a", "b"]), json!(["a", "a"]), json!(["a#ba", "a"])] {
            assert_eq!(read(forged.clone()).unwrap_err().slug(), "invalid-cursor", "{forged}");
        }
    }
}
