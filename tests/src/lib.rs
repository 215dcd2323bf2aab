//! The harness of the black-box suite: starts the real stack on free ports, or finds one that runs ([`Backend`] tells
//! which there are), talks HTTP to it, and looks into its tables when all is quiet.
//!
//! Nothing here sleeps for a fixed time: [`eventually`] polls with a deadline.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod backend;
mod books;
mod calls;
mod client;
mod dynamodb;
mod own_stack;
mod processes;
mod proxy;
mod shared_stack;
mod shop;
mod skip;
mod stock;

pub use backend::{Backend, Need};
pub use books::Books;
pub use calls::Calls;
pub use client::{Answer, Client, Request};
pub use dynamodb::Dynamodb;
pub use own_stack::{Options, farthing};
pub use processes::{children, kill_nine, kill_with};
pub use proxy::Proxy;
pub use shared_stack::SharedStack;
pub use shop::Shop;
pub use skip::skipped;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    path::Path,
    time::{Duration, Instant},
};

use sam_template::{Settings, Template};

/// The names of the functions that template.yaml declares.
///
/// # Panics
/// When the template cannot be read.
#[must_use]
pub fn functions() -> Vec<String> {
    template().functions.into_iter().map(|function| function.name).collect()
}

/// The logical ids of the functions by their names.
fn function_ids() -> BTreeMap<String, String> {
    template().functions.into_iter().map(|function| (function.name, function.logical_id)).collect()
}

fn template() -> Template {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("template.yaml");
    Template::load(&file, &Settings::default()).unwrap()
}

/// Polls until `check` gives a value. A slow backend gets more time ([`Backend::patience`]).
///
/// # Panics
/// When it has given only errors for `within`; the last one is told.
pub async fn eventually<T, E, Fut>(within: Duration, mut check: impl FnMut() -> Fut) -> T
where
    E: Debug,
    Fut: Future<Output = Result<T, E>>,
{
    let within = within * Backend::current().patience();
    let deadline = Instant::now() + within;
    loop {
        match check().await {
            Ok(value) => return value,
            Err(error) if Instant::now() >= deadline => panic!("not within {within:?}: {error:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
