//! Reserved and unreserved concurrency.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html>: a function with reserved concurrency has
//! that much for itself; the other functions share the rest of the account's concurrency.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The concurrency that functions without reserved concurrency share.
#[derive(Clone, Debug)]
pub struct Unreserved(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: u32,
    running: AtomicU32,
}

impl Unreserved {
    /// The account's concurrency less the reserved concurrency of its functions.
    #[must_use]
    pub fn new(account: u32, reserved: impl IntoIterator<Item = u32>) -> Self {
        let reserved = reserved.into_iter().fold(0, u32::saturating_add);
        Self(Arc::new(Shared { limit: account.saturating_sub(reserved), running: AtomicU32::new(0) }))
    }
}

/// The concurrency of a function.
#[derive(Debug)]
pub struct Concurrency {
    reserved: Option<u32>,
    unreserved: Unreserved,
    running: AtomicU32,
}

impl Concurrency {
    /// `reserved` is the function's `ReservedConcurrentExecutions`, if it has any.
    #[must_use]
    pub fn new(reserved: Option<u32>, unreserved: Unreserved) -> Self {
        Self { reserved, unreserved, running: AtomicU32::new(0) }
    }

    /// The number of running invocations.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.running.load(Ordering::SeqCst)
    }

    /// Counts one more invocation until the result is dropped; none when the concurrency is used up.
    #[must_use]
    pub fn acquire(&self) -> Option<Running<'_>> {
        let shared = match self.reserved {
            Some(_) => None,
            None => Some(Counted::one(&self.unreserved.0.running, self.unreserved.0.limit)?),
        };
        let own = Counted::one(&self.running, self.reserved.unwrap_or(u32::MAX))?;
        Some(Running { _shared: shared, _own: own })
    }
}

/// A running invocation.
#[derive(Debug)]
pub struct Running<'a> {
    _shared: Option<Counted<'a>>,
    _own: Counted<'a>,
}

#[derive(Debug)]
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn one(counter: &'a AtomicU32, limit: u32) -> Option<Self> {
        let more = |now: u32| (now < limit).then_some(now + 1);
        counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).ok().map(|_| Self(counter))
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_concurrency_reserved_is_a_guarantee_and_a_bound() {
        let unreserved = Unreserved::new(5, [2]);
        let reserved = Concurrency::new(Some(2), unreserved.clone());
        let (one, other) = (Concurrency::new(None, unreserved.clone()), Concurrency::new(None, unreserved));
        let shared = [one.acquire(), one.acquire(), other.acquire()];
        assert!(shared.iter().all(Option::is_some));
        assert!(other.acquire().is_none(), "the account has 5, of which 2 are reserved");
        let own = [reserved.acquire(), reserved.acquire()];
        assert!(own.iter().all(Option::is_some), "reserved concurrency is not shared");
        assert!(reserved.acquire().is_none(), "and it is a limit");
        drop(shared);
        assert!(other.acquire().is_some());
        assert_eq!((reserved.running(), one.running()), (2, 0));
    }
}
