//! `GET /products?category=&limit=&cursor=`

use shared::{
    http::{Answer, Call},
    page::{self, Limit, Page},
    problem::{Problem, Violation},
};

use crate::{product::Category, store::Catalog};

/// Answers one page of the products in the order of their names.
///
/// # Errors
/// 400 for a bad limit, category or cursor; 503 when the catalogue cannot be read.
pub async fn list_products(catalog: &Catalog, call: Call) -> Result<Answer, Problem> {
    let limit = Limit::parse(call.query_parameter("limit").as_deref())?;
    let category = call.query_parameter("category").map(Category::try_from).transpose().map_err(|_| {
        let rule = "must be a category: 1 to 64 lower-case letters, digits and single hyphens";
        Problem::invalid(vec![Violation::new("category", rule)])
    })?;
    let after = match call.query_parameter("cursor") {
        Some(cursor) => Some(page::decode_cursor(&cursor, &category)?),
        None => None,
    };
    let (items, next) = catalog.list(category.as_ref(), limit.get(), after.as_ref(), call.deadline()).await?;
    let next_cursor = next.map(|position| page::encode_cursor(&category, &position));
    Answer::json(200, &Page { items, next_cursor })
}
