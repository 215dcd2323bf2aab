//! What calls to AWS cost: counted by AWS's published rules, priced from its list prices.
//!
//! - [`Proxy`] stands before DynamoDB or SQS, passes calls on and tells what each would be billed as, and to whom
//! - [`units`] are the metering rules of DynamoDB and SQS, one function each, with the page that each comes from
//! - [`prices`] are dated list prices by region, in whole picodollars
//! - [`bill`] prices the usage of functions, routes and queues, and divides the bill by units of work
//!
//! It knows AWS and no application. It does not ask an emulator what a call consumed: emulators differ in that from
//! AWS and from each other. Not metered: `PartiQL`, and whatever costs by time rather than by call (storage, backups).

pub mod bill;
mod call;
mod dynamodb;
mod permission;
pub mod prices;
mod proxy;
mod sqs;
mod tables;
pub mod units;

pub use call::{Call, Service, Uncounted};
pub use permission::Permission;
pub use proxy::{After, Before, Decision, Gate, Passing, Proxy, ProxyError, Target};
pub use tables::{Index, Key, Projection, Table, Tables};

/// What reads calls, for the fuzz targets in `fuzz/`.
#[doc(hidden)]
pub mod border {
    pub use crate::{
        dynamodb::written_items,
        permission::needed,
        units::{key_text, same_item},
    };
}
