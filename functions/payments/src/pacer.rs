//! Paces the calls to the payment provider, so that a rush of orders waits here and not at the provider's rate limit
//! (docs/decisions/0012).
//!
//! Execution environments share nothing, so each has its part of the allowed rate: `PAYMENT_RATE_PER_SECOND` divided by
//! `PAYMENT_CONCURRENCY`. What the provider says corrects it: when it asks to wait, the environment makes no call for that
//! time and then halves its rate, which grows back with each call that succeeds.

use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lambda_kit::{
    Deadline, Error,
    config::{self, ConfigError},
};

const PROVIDER: &str = "the payment provider";
/// Calls that may be made at once after a quiet time: those of one batch.
const BURST: f64 = 20.0;
/// A successful call gives this part of the full rate back.
const RECOVERY: f64 = 0.02;
/// The rate never falls below this part of the full rate.
const LOWEST: f64 = 1.0 / 32.0;
/// The longest that one response may stop an environment.
const LONGEST_STOP: Duration = Duration::from_secs(60);

/// The pace of one execution environment. Build it once, outside the handler.
#[derive(Debug)]
pub struct Pacer(Mutex<Pace>);

#[derive(Debug)]
struct Pace {
    /// Calls per second when the provider does not object.
    full_rate: f64,
    /// Calls per second now.
    rate: f64,
    /// Calls that may be made at `since` without waiting; below zero, those that wait already.
    calls: f64,
    /// In the future while the provider has asked to wait.
    since: Instant,
    /// How often the provider has asked to wait.
    stops: u64,
}

/// When a call is due.
#[derive(Debug)]
struct Turn {
    at: Instant,
    /// The stops before it was taken.
    stops: u64,
}

impl Pacer {
    /// The pace that `PAYMENT_RATE_PER_SECOND` (default 50) and `PAYMENT_CONCURRENCY` (default 10) set.
    ///
    /// # Errors
    /// [`ConfigError`] for a number that cannot be read, or is zero.
    pub fn from_env() -> Result<Self, ConfigError> {
        let positive = |name: &str, default: u32| {
            let number = config::parsed(name, default)?;
            let zero = || ConfigError::Invalid {
                name: name.to_owned(),
                value: number.to_string(),
                why: "expected a number above zero".to_owned(),
            };
            if number == 0 { Err(zero()) } else { Ok(f64::from(number)) }
        };
        Ok(Self::new(positive("PAYMENT_RATE_PER_SECOND", 50)? / positive("PAYMENT_CONCURRENCY", 10)?))
    }

    fn new(full_rate: f64) -> Self {
        Self(Mutex::new(Pace::new(full_rate, Instant::now())))
    }

    /// Makes a call when it is due, and learns from its result.
    ///
    /// # Errors
    /// [`Error::Unavailable`] at once, with the time to wait, when the call is not due before `deadline`; otherwise the
    /// error of the call.
    pub async fn paced<T>(
        &self,
        deadline: Deadline,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.wait(deadline).await?;
        let result = call.await;
        match &result {
            Ok(_) => self.pace().speed_up(),
            Err(error) => {
                if let Some(retry_after) = error.retry_after() {
                    self.stop(retry_after);
                }
            }
        }
        result
    }

    async fn wait(&self, deadline: Deadline) -> Result<(), Error> {
        let latest = Instant::now() + deadline.remaining();
        loop {
            let taken = self.pace().take(Instant::now(), latest);
            let turn = taken.map_err(|wait| {
                let detail = format!("its rate leaves no call for {} ms", wait.as_millis());
                Error::unavailable(PROVIDER, detail).with_retry_after(Some(wait))
            })?;
            tokio::time::sleep_until(turn.at.into()).await;
            // If the provider has asked to wait meanwhile, the turn is lost.
            if self.pace().stops == turn.stops {
                return Ok(());
            }
        }
    }

    /// Stops for this time and a random part of it, so that the environments do not come back together.
    fn stop(&self, retry_after: Duration) {
        let time = retry_after.min(LONGEST_STOP).mul_f64(1.0 + fastrand::f64() / 2.0);
        self.pace().stop(Instant::now(), time);
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    fn new(full_rate: f64, now: Instant) -> Self {
        Self { full_rate, rate: full_rate, calls: BURST, since: now, stops: 0 }
    }

    /// Takes a turn, or returns the time to wait when that is after `latest`.
    fn take(&mut self, now: Instant, latest: Instant) -> Result<Turn, Duration> {
        let earned = now.saturating_duration_since(self.since).as_secs_f64() * self.rate;
        let calls = BURST.min(self.calls + earned);
        let since = self.since.max(now);
        let at = since + Duration::from_secs_f64(((1.0 - calls) / self.rate).max(0.0));
        if at > latest {
            return Err(at - now);
        }
        (self.calls, self.since) = (calls - 1.0, since);
        Ok(Turn { at, stops: self.stops })
    }

    fn stop(&mut self, now: Instant, time: Duration) {
        // The other calls of that moment say the same, once more.
        if self.since <= now {
            self.rate = (self.rate / 2.0).max(self.full_rate * LOWEST);
        }
        (self.calls, self.since) = (1.0, self.since.max(now + time));
        self.stops += 1;
    }

    fn speed_up(&mut self) {
        self.rate = (self.rate + self.full_rate * RECOVERY).min(self.full_rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A clock that only the test moves, and a pace by it.
    struct Paced {
        pace: Pace,
        start: Instant,
        now: Instant,
    }

    impl Paced {
        fn new(rate: f64) -> Self {
            let now = Instant::now();
            Self { pace: Pace::new(rate, now), start: now, now }
        }

        /// The seconds after the start at which `count` calls at once are made.
        fn calls(&mut self, count: usize) -> Vec<f64> {
            let latest = self.now + SECOND * 1000;
            let mut turn = || self.pace.take(self.now, latest).unwrap().at - self.start;
            (0..count).map(|_| turn().as_secs_f64()).collect()
        }
    }

    fn about(actual: f64, expected: f64) -> bool {
        (actual - expected).abs() < 0.01
    }

    #[test]
    fn after_one_batch_calls_are_made_at_the_rate() {
        let mut paced = Paced::new(5.0);
        let times = paced.calls(40);
        assert!(times[..20].iter().all(|time| *time == 0.0), "one batch at once: {times:?}");
        assert!(about(times[20], 0.2) && about(times[39], 4.0), "20 more at 5 a second: {times:?}");
        paced.now += SECOND * 100;
        let times = paced.calls(21);
        assert!(
            about(times[19], 100.0) && about(times[20], 100.2),
            "a quiet time gives one batch: {times:?}"
        );
    }

    #[test]
    fn a_call_that_is_not_due_in_time_takes_no_turn() {
        let mut paced = Paced::new(5.0);
        paced.calls(20);
        let wait = paced.pace.take(paced.now, paced.now + SECOND / 10).unwrap_err();
        assert!(about(wait.as_secs_f64(), 0.2), "{wait:?}");
        assert!(about(paced.calls(1)[0], 0.2));
    }

    #[test]
    fn when_the_provider_asks_to_wait_nobody_calls_and_then_at_half_the_rate() {
        let mut paced = Paced::new(8.0);
        paced.pace.stop(paced.now, SECOND * 2);
        paced.now += SECOND;
        let times = paced.calls(5);
        assert!(about(times[0], 2.0) && about(times[1], 2.25) && about(times[4], 3.0), "{times:?}");
    }

    #[test]
    fn one_moment_of_refusals_halves_the_rate_once_and_success_gives_it_back() {
        let mut paced = Paced::new(10.0);
        for _ in 0..10 {
            paced.pace.stop(paced.now, SECOND);
        }
        assert!(about(paced.pace.rate, 5.0), "{:?}", paced.pace);
        for _ in 0..100 {
            paced.pace.speed_up();
        }
        assert!(about(paced.pace.rate, 10.0), "{:?}", paced.pace);
        for _ in 0..100 {
            paced.now += SECOND * 2;
            paced.pace.stop(paced.now, SECOND);
        }
        assert!(paced.pace.rate >= 10.0 * LOWEST, "it never stops for good: {:?}", paced.pace);
    }

    #[tokio::test]
    async fn a_refused_call_stops_those_that_wait_already() {
        let (pacer, start) = (Pacer::new(50.0), Instant::now());
        let deadline = Deadline::within(SECOND * 60);
        let stop = SECOND / 5;
        let asked_to_wait = Error::unavailable(PROVIDER, "status 429").with_retry_after(Some(stop));
        pacer.pace().calls = 1.0;
        let refused = pacer.paced(deadline, async { Err::<(), _>(asked_to_wait) });
        let waiting = pacer.paced(deadline, async { Ok(start.elapsed()) });
        let (refused, waited) = tokio::join!(refused, waiting);
        assert!(refused.is_err() && waited.unwrap() >= stop);
    }

    #[tokio::test]
    async fn a_call_that_is_not_due_before_the_deadline_is_not_made() {
        let pacer = Pacer::new(1.0);
        pacer.stop(SECOND * 100_000);
        let call = pacer.paced(Deadline::within(SECOND), async { panic!("it was made") });
        let error: Result<(), _> = call.await;
        let wait = error.unwrap_err().retry_after().unwrap();
        assert!(wait > SECOND && wait <= LONGEST_STOP * 2, "{wait:?}");
    }

    #[tokio::test]
    async fn an_outage_without_a_time_to_wait_stops_nobody() {
        let pacer = Pacer::new(5.0);
        let broken = async { Err::<(), _>(Error::unavailable(PROVIDER, "broken connection")) };
        pacer.paced(Deadline::within(SECOND), broken).await.unwrap_err();
        assert_eq!(pacer.pace().stops, 0);
    }
}
