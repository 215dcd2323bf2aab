//! What development of the shop needs: the demo catalogue, and values for template.yaml.
//!
//! [`seed()`] fills the catalogue on any endpoint, and is idempotent. `embedded-dynamodb` has the server and the tables.
//! [`development_parameters()`] are the values that the template leaves to each deployment.

mod parameters;
mod seed;

pub use parameters::development_parameters;
pub use seed::{SeedError, Seeded, seed};
