//! Values that all services of the shop share. They are valid by construction: parsed once, where they are received.
//!
//! They depend on no AWS service and no table. Ids are defined by the service that they belong to.

mod money;
mod problem;
mod slug;
mod timestamp;

pub use money::{Currency, Money, MoneyError};
pub use problem::{Problem, Violation};
pub use slug::{InvalidValue, Slug};
pub use timestamp::Timestamp;
