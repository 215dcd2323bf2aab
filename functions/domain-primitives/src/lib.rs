//! Values that every service of the shop shares, valid by construction: parsed once at the border, never checked again.
//!
//! They know no AWS service and no table. Ids live with the service that they belong to.

mod money;
mod problem;
mod slug;
mod timestamp;

pub use money::{Currency, Money, MoneyError};
pub use problem::{Problem, Violation};
pub use slug::{InvalidValue, Slug};
pub use timestamp::Timestamp;
