//! The requests that arrived: how many there are, and how many of them the rate limit admits.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

/// The time in which a rate limit counts.
const WINDOW: Duration = Duration::from_secs(1);

/// The count of requests since the start of the simulator.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// All that arrived.
    pub(crate) total: u64,
    /// Those that the rate limit rejected.
    pub(crate) rate_limited: u64,
    /// Those with a key that is not accepted.
    pub(crate) unauthorized: u64,
    /// Those that failed by chance.
    pub(crate) failed: u64,
    /// When those of the last second were admitted, the oldest first.
    admitted: VecDeque<Instant>,
    about: HashMap<String, u64>,
}

impl Requests {
    /// Counts a request that arrives at `now`. Returns false when that are more than `limit` within a second.
    pub(crate) fn admit(&mut self, limit: Option<usize>, now: Instant) -> bool {
        self.total += 1;
        while self.admitted.front().is_some_and(|time| now.duration_since(*time) >= WINDOW) {
            self.admitted.pop_front();
        }
        if limit.is_some_and(|limit| self.admitted.len() >= limit) {
            self.rate_limited += 1;
            return false;
        }
        self.admitted.push_back(now);
        true
    }

    /// Counts a request about a payment intent.
    pub(crate) fn count(&mut self, intent: &str) {
        *self.about.entry(intent.to_owned()).or_default() += 1;
    }

    /// How many requests were about a payment intent.
    pub(crate) fn about(&self, intent: &str) -> u64 {
        self.about.get(intent).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_requests_than_the_limit() {
        let (mut requests, start) = (Requests::default(), Instant::now());
        let mut at = |milliseconds| requests.admit(Some(2), start + Duration::from_millis(milliseconds));
        assert_eq!([at(0), at(600), at(700), at(999)], [true, true, false, false]);
        assert_eq!([at(1000), at(1100), at(1599), at(1600)], [true, false, false, true]);
        assert_eq!((requests.total, requests.rate_limited), (8, 4));
        assert!((0..100).all(|_| requests.admit(None, start)), "no limit");
    }
}
