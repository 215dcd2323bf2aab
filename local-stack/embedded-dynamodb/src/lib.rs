//! An embedded DynamoDB on loopback, and the tables that a SAM template declares.
//!
//! - [`Embedded`] serves the DynamoDB API, with its data in a temporary folder or in a named one
//! - [`ensure_tables`] creates and updates tables on any endpoint: embedded, DynamoDB Local, another emulator
//! - [`TemporaryFolder`] is a folder for temporary files that does not outlive its process for long
//! - [`client()`], [`streams_client`] and [`local_config`] are for clients of local endpoints

mod client;
mod engine;
mod error;
mod names;
mod server;
mod tables;
mod temporary;

pub use client::{client, local_config, streams_client};
pub use error::{Error, error_chain};
pub use server::Embedded;
pub use tables::{ensure_tables, stream_arns};
pub use temporary::TemporaryFolder;
