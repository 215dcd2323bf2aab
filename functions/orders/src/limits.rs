//! What one order may ask for at most. Anybody may order, and an order holds its stock until its payment has ended, so a
//! deployment says how much of it one request can hold (docs/cost.md).

use lambda_kit::config::{self, ConfigError};

/// The limits of one order. They are those of the deployment; what a type can hold at all is wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderLimits {
    /// Pieces of one product.
    pub pieces_per_line: u32,
    /// Pieces of all products together.
    pub pieces_per_order: u32,
    /// The total, in minor units of its currency.
    pub value: u64,
}

impl OrderLimits {
    /// The limits in `MAX_PIECES_PER_LINE`, `MAX_PIECES_PER_ORDER` and `MAX_ORDER_VALUE`.
    ///
    /// # Errors
    /// [`ConfigError`] when one is missing or no number.
    pub fn from_env() -> Result<Self, ConfigError> {
        Ok(Self {
            pieces_per_line: config::required_as("MAX_PIECES_PER_LINE")?,
            pieces_per_order: config::required_as("MAX_PIECES_PER_ORDER")?,
            value: config::required_as("MAX_ORDER_VALUE")?,
        })
    }
}
