//! Exponential backoff with full jitter, limited in attempts and by the deadline, as AWS recommends:
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.

use std::time::Duration;

use crate::Deadline;

/// Waits between the attempts of one operation.
#[derive(Debug)]
pub struct Backoff {
    deadline: Deadline,
    attempts_left: u32,
    ceiling: Duration,
}

const FIRST_CEILING: Duration = Duration::from_millis(20);
const LARGEST_CEILING: Duration = Duration::from_millis(640);

impl Backoff {
    /// Allows at most `retries` retries, all before `deadline`.
    #[must_use]
    pub fn new(retries: u32, deadline: Deadline) -> Self {
        Self { deadline, attempts_left: retries, ceiling: FIRST_CEILING }
    }

    /// Waits before the next attempt. Returns false at once when no attempt is left.
    pub async fn wait(&mut self) -> bool {
        let pause = self.ceiling.mul_f64(fastrand::f64());
        if self.attempts_left == 0 || pause >= self.deadline.remaining() {
            return false;
        }
        self.attempts_left -= 1;
        self.ceiling = (self.ceiling * 2).min(LARGEST_CEILING);
        tokio::time::sleep(pause).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ends_after_its_retries() {
        let mut backoff = Backoff::new(3, Deadline::within(Duration::from_secs(60)));
        let mut waits = 0;
        while backoff.wait().await {
            waits += 1;
        }
        assert_eq!(waits, 3);
    }

    #[tokio::test]
    async fn never_waits_past_the_deadline() {
        let mut backoff = Backoff::new(u32::MAX, Deadline::within(Duration::ZERO));
        assert!(!backoff.wait().await);
    }
}
