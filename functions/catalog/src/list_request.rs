//! The query parameters of `GET /products`.

use domain_primitives::{Problem, Violation};
use lambda_kit::{
    http::Request,
    page::{self, Limit},
};

use crate::{ids::Category, position::Position};

/// Which products a client lists.
#[derive(Debug)]
pub struct ListRequest {
    /// One category, or all.
    pub category: Option<Category>,
    /// The maximum number of products on the page.
    pub limit: Limit,
    /// The position of the last product on the previous page.
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
        let cursor = request.query_parameter("cursor");
        let after = cursor.map(|cursor| page::decode_cursor(&cursor, &category)).transpose()?;
        Ok(Self { category, limit, after })
    }
}
