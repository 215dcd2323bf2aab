//! DynamoDB for development: the tables that template.yaml declares, and the demo catalogue.
//!
//! [`seed()`] fills the catalogue on any endpoint, and is idempotent. `embedded-dynamodb` has the server and the tables.

mod seed;

pub use seed::{SeedError, Seeded, seed};
