//! What an API call consumed.

use crate::{call::MeteringGap, rules::RequestUnits};

#[derive(Debug, Default)]
pub(crate) struct Consumption {
    pub(crate) units: RequestUnits,
    /// The tables that the request names, each once.
    pub(crate) tables: Vec<String>,
    /// Set if `units` are too low.
    pub(crate) gap: Option<MeteringGap>,
}

impl Consumption {
    pub(super) fn gap(gap: MeteringGap) -> Self {
        Self { gap: Some(gap), ..Self::default() }
    }

    pub(super) fn add_table(&mut self, name: &str) {
        if !self.tables.iter().any(|known| known == name) {
            self.tables.push(name.to_owned());
        }
    }
}
