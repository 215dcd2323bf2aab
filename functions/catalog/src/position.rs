//! Positions in the list of products, for cursors.

use serde::{Deserialize, Serialize};

use crate::{
    ids::ProductId,
    item::{self, Item},
};

/// The position of a product in the list: its sort key in the index, and its id.
///
/// Clients send it back in a cursor. One that no product can have is refused here: `DynamoDB` would refuse it, too, and that
/// would count as a fault of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(String, ProductId)", into = "(String, ProductId)")]
pub struct Position {
    pub(crate) sort_name: String,
    pub(crate) product_id: ProductId,
}

impl TryFrom<(String, ProductId)> for Position {
    type Error = &'static str;

    fn try_from((sort_name, product_id): (String, ProductId)) -> Result<Self, &'static str> {
        if item::is_sort_name(&sort_name, &product_id) {
            Ok(Self { sort_name, product_id })
        } else {
            Err("the sort key belongs to another product")
        }
    }
}

impl Position {
    /// The position of an item of the list; none when its key is no product's.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let text = |name| item.get(name)?.as_s().ok();
        let product_id = text("product_id")?.parse().ok()?;
        Self::try_from((text("sort_name")?.clone(), product_id)).ok()
    }
}

impl From<Position> for (String, ProductId) {
    fn from(position: Position) -> Self {
        (position.sort_name, position.product_id)
    }
}

#[cfg(test)]
mod tests {
    use lambda_kit::page;
    use serde_json::json;

    use super::*;
    use crate::ids::Category;

    #[test]
    fn a_cursor_to_a_position_that_no_product_can_have_is_refused() {
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
