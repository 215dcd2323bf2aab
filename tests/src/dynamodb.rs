//! A DynamoDB that one test has to itself.

use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
};

use embedded_dynamodb::Embedded;

use crate::{Backend, Proxy};

/// What the backend's stacks run on, empty.
#[derive(Debug)]
pub enum Dynamodb {
    /// The embedded server.
    Embedded(Embedded),
    /// DynamoDB Local, which keeps the tables of each access key id apart unless it is told `-sharedDb`. So that
    /// nothing but the id has to differ, this is a proxy that puts in one of its own.
    Local(Proxy),
}

impl Dynamodb {
    /// One without tables.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        match Backend::current() {
            Backend::DynamodbLocal => {
                let url = env::var("DYNAMODB_LOCAL_URL");
                let url = url.unwrap_or_else(|_| "http://127.0.0.1:8000".to_owned());
                // The server may have outlived another run of the tests.
                let id = format!("test{}x{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
                Self::Local(Proxy::start_as(url.trim_end_matches('/'), id).await)
            }
            _ => Self::Embedded(Embedded::start(0, "us-east-1", None).await.unwrap()),
        }
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match self {
            Self::Embedded(server) => server.endpoint(),
            Self::Local(proxy) => proxy.endpoint.clone(),
        }
    }

    /// Ends it.
    pub async fn stop(self) {
        if let Self::Embedded(server) = self {
            server.stop().await;
        }
    }
}
