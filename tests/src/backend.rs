//! Which shop the suite talks to, and what can be done with it beside talking.
//!
//! | `FARTHING_BACKEND` | the shop | what else must be set |
//! |---|---|---|
//! | `embedded`, or nothing | a local stack for each test, on embedded servers | |
//! | `dynamodb-local` | a local stack for each test, on DynamoDB Local | `DYNAMODB_LOCAL_URL`, if not `http://127.0.0.1:8000` |
//! | `sam-local` | one `sam local start-api` for all tests | `SHOP_STACK` |
//! | `ministack` | one stack on the emulator ministack for all tests | `SHOP_STACK` |
//! | `url` | any stack that is deployed somewhere | `SHOP_URL` or `SHOP_STACK`; see [`crate::SharedStack`] |
//!
//! A test begins with the capabilities that it needs: `needs!(Tables, Queues)`. On a backend that lacks one it is
//! skipped, by name and with the reason.

use std::{env, fmt, sync::LazyLock};

/// Where the suite runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The local stack as `cargo run` starts it.
    Embedded,
    /// The local stack with `--dynamodb-endpoint`.
    DynamodbLocal,
    /// The SAM CLI's containers.
    SamLocal,
    /// The emulator that `sam deploy` deploys to.
    Ministack,
    /// Anything with a URL.
    Url,
}

const ALL: [(Backend, &str); 5] = [
    (Backend::Embedded, "embedded"),
    (Backend::DynamodbLocal, "dynamodb-local"),
    (Backend::SamLocal, "sam-local"),
    (Backend::Ministack, "ministack"),
    (Backend::Url, "url"),
];

/// What a test needs beside HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A stack for this test alone: with its own parameters and flags, a log to read and processes to kill.
    OwnStack,
    /// The local stack's control port, which returns calls and the bill.
    ControlPort,
    /// Tables that are as seeded when the test begins, and can be read and written.
    Tables,
    /// Queues that messages can be counted in.
    Queues,
    /// Lambda's Invoke API.
    Invoke,
    /// What API Gateway itself does: answers 404 and 413 before any function, CORS, hands over every path and body.
    Gateway,
}

impl Backend {
    /// The backend that the environment names.
    ///
    /// # Panics
    /// When it names an unknown one.
    #[must_use]
    pub fn current() -> Self {
        static CURRENT: LazyLock<Backend> = LazyLock::new(|| {
            let name = env::var("FARTHING_BACKEND").unwrap_or_default();
            Backend::named(&name).unwrap_or_else(|| {
                panic!("FARTHING_BACKEND={name}: there are {}", ALL.map(|(_, name)| name).join(", "))
            })
        });
        *CURRENT
    }

    fn named(name: &str) -> Option<Self> {
        let name = if name.is_empty() { "embedded" } else { name };
        ALL.iter().find(|(_, named)| *named == name).map(|(backend, _)| *backend)
    }

    /// Whether each test starts a stack of its own.
    #[must_use]
    pub fn starts_stacks(self) -> bool {
        matches!(self, Self::Embedded | Self::DynamodbLocal)
    }

    /// How many times longer than the local stack this one may take.
    #[must_use]
    pub fn patience(self) -> u32 {
        match self {
            Self::Embedded => 1,
            Self::DynamodbLocal => 2,
            Self::SamLocal | Self::Ministack | Self::Url => 4,
        }
    }

    /// Why a need cannot be met by this backend, if so.
    #[must_use]
    pub fn lacks(self, need: Need) -> Option<&'static str> {
        if self.starts_stacks() {
            return None;
        }
        match need {
            Need::OwnStack => Some("all tests share one stack"),
            Need::ControlPort => Some("only the local stack has one"),
            Need::Gateway => match self {
                Self::SamLocal => Some("sam local answers other than API Gateway there"),
                Self::Ministack => Some("ministack answers other than API Gateway there"),
                _ => None,
            },
            Need::Tables | Need::Queues | Need::Invoke => crate::SharedStack::current().lacks(need),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = ALL.iter().find(|(backend, _)| backend == self);
        f.write_str(named.expect("all are listed").1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_is_found_under_the_name_it_shows() {
        for (backend, name) in ALL {
            assert_eq!((Backend::named(name), backend.to_string()), (Some(backend), name.to_owned()));
        }
        assert_eq!((Backend::named(""), Backend::named("aws")), (Some(Backend::Embedded), None));
    }

    #[test]
    fn a_stack_of_ones_own_lacks_nothing() {
        for backend in [Backend::Embedded, Backend::DynamodbLocal] {
            for need in
                [Need::OwnStack, Need::ControlPort, Need::Tables, Need::Queues, Need::Invoke, Need::Gateway]
            {
                assert_eq!(backend.lacks(need), None);
            }
        }
    }

    #[test]
    fn a_shared_stack_lacks_what_only_a_stack_of_ones_own_has() {
        for backend in [Backend::SamLocal, Backend::Ministack, Backend::Url] {
            assert!(backend.lacks(Need::OwnStack).is_some() && backend.lacks(Need::ControlPort).is_some());
        }
    }
}
