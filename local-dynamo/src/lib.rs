//! DynamoDB for development: the tables that template.yaml declares, and the demo catalogue.
//!
//! [`seed()`] fills the catalogue on any endpoint; doing it twice changes nothing. The server itself and the tables are
//! `embedded-dynamodb`'s.

mod seed;

pub use seed::{SeedError, Seeded, seed};
