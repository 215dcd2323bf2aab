//! The harness of the black-box suite: starts the real stack on free ports, or uses one that runs already
//! ([`Backend`]), talks HTTP to it, and looks into its tables when all is quiet.
//!
//! Nothing here sleeps for a fixed time: [`eventually`] polls with a deadline.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue must panic")]

mod backend;
mod calls;
mod client;
mod dynamodb;
pub mod fixtures;
mod openapi;
mod own_stack;
pub mod permissions;
mod processes;
mod proxy;
mod shared_stack;
mod shop;
mod skip;
mod snapshot;
mod stock;
mod tables_and_queues;
mod waits;

pub use backend::{Backend, Need};
pub use calls::Calls;
pub use client::{Client, Request, Response};
pub use dynamodb::Dynamodb;
pub use openapi::{Documented, Openapi};
pub use own_stack::{Options, farthing};
pub use processes::{children, exists, kill_nine, kill_with, listening_ports, shutdown_requested};
pub use proxy::Proxy;
pub use shared_stack::SharedStack;
pub use shop::Shop;
pub use skip::skipped;
pub use snapshot::TableSnapshot;
pub use stock::{products, unique_key};
pub use tables_and_queues::payment_event;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    path::Path,
    time::{Duration, Instant},
};

use local_dynamo::development_parameters;
use sam_template::{EventSource, Function, HttpRoute, Settings, Template};

/// An order id that no order has.
pub const NO_ORDER: &str = "0197a000-0000-7000-8000-000000000000";

/// The folder of the whole project.
///
/// # Panics
/// Never: this crate has a folder of its own in it.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The names of the functions that template.yaml declares.
///
/// # Panics
/// When the template cannot be read.
#[must_use]
pub fn functions() -> Vec<String> {
    template().functions.into_iter().map(|function| function.name).collect()
}

/// The routes that template.yaml declares, each with the name of its function.
///
/// # Panics
/// When the template cannot be read.
#[must_use]
pub fn routes() -> Vec<(String, HttpRoute)> {
    let of = |function: Function| {
        let name = function.name;
        function.events.into_iter().filter_map(move |event| match event {
            EventSource::HttpApi(route) => Some((name.clone(), route)),
            _ => None,
        })
    };
    template().functions.into_iter().flat_map(of).collect()
}

/// What template.yaml declares, with the defaults of its parameters, and development's values for those without one.
///
/// # Panics
/// When the template cannot be read.
#[must_use]
pub fn template() -> Template {
    let file = workspace().join("template.yaml");
    Template::load(&file, &settings()).unwrap_or_else(|error| panic!("{error}"))
}

fn settings() -> Settings {
    Settings { parameters: development_parameters(), ..Settings::default() }
}

/// The logical ids of the functions by their names.
fn function_ids() -> BTreeMap<String, String> {
    template().functions.into_iter().map(|function| (function.name, function.logical_id)).collect()
}

/// Polls until `check` gives a value. A slow backend gets more time ([`Backend::patience`]); `FARTHING_WAIT_AT_MOST`, in
/// seconds, cuts it short where failures are expected (`tests/mutants.sh`).
///
/// # Panics
/// When it has given only errors for `within`; the last one is in the message.
pub async fn eventually<T, E, Fut>(within: Duration, mut check: impl FnMut() -> Fut) -> T
where
    E: Debug,
    Fut: Future<Output = Result<T, E>>,
{
    let within = (within * Backend::current().patience()).min(longest_wait());
    let deadline = Instant::now() + within;
    loop {
        match check().await {
            Ok(value) => return value,
            Err(error) if Instant::now() >= deadline => panic!("not within {within:?}: {error:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn longest_wait() -> Duration {
    std::env::var("FARTHING_WAIT_AT_MOST").map_or(Duration::MAX, |seconds| {
        let seconds =
            seconds.parse().unwrap_or_else(|_| panic!("FARTHING_WAIT_AT_MOST={seconds}: no seconds"));
        Duration::from_secs(seconds)
    })
}
