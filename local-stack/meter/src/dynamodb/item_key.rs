//! Which item of which table.

use crate::item::{Item, key_text};

#[derive(Clone, Debug)]
pub(super) struct ItemKey {
    pub(super) table: String,
    pub(super) key: Item,
}

impl ItemKey {
    /// One text for the table and the key.
    pub(super) fn id(&self) -> String {
        format!("{} {}", self.table, key_text(&self.key))
    }
}
