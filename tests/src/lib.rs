//! The harness of the black-box suite: starts the real stack on free ports, talks HTTP to it, and looks into its
//! tables when all is quiet.
//!
//! Nothing here sleeps for a fixed time: [`eventually`] polls with a deadline.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod books;
mod calls;
mod client;
pub mod permissions;
mod processes;
mod proxy;
mod shop;

pub use books::Books;
pub use calls::Calls;
pub use client::{Answer, Client, Request};
pub use processes::{children, kill_nine, kill_with};
pub use proxy::Proxy;
pub use shop::{Options, Shop, farthing};

use std::{
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
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("template.yaml");
    let template = Template::load(&file, &Settings::default()).unwrap();
    template.functions.into_iter().map(|function| function.name).collect()
}

/// Polls until `check` gives a value.
///
/// # Panics
/// When it has given only errors for `within`; the last one is told.
pub async fn eventually<T, E, Fut>(within: Duration, mut check: impl FnMut() -> Fut) -> T
where
    E: Debug,
    Fut: Future<Output = Result<T, E>>,
{
    let deadline = Instant::now() + within;
    loop {
        match check().await {
            Ok(value) => return value,
            Err(error) if Instant::now() >= deadline => panic!("not within {within:?}: {error:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
