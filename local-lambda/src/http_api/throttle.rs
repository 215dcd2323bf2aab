//! The default throttle of an API: a token bucket.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

#[derive(Debug)]
pub(crate) struct Throttle {
    rate: f64,
    burst: f64,
    bucket: Mutex<(f64, Instant)>,
}

impl Throttle {
    pub(crate) fn new(throttle: sam_template::Throttle) -> Self {
        let burst = f64::from(throttle.burst);
        Self { rate: throttle.rate, burst, bucket: Mutex::new((burst, Instant::now())) }
    }

    /// Whether one more request may pass now.
    pub(crate) fn admit(&self) -> bool {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, last) = *bucket;
        let tokens = (tokens + now.saturating_duration_since(last).as_secs_f64() * self.rate).min(self.burst);
        let admitted = tokens >= 1.0;
        *bucket = (if admitted { tokens - 1.0 } else { tokens }, now);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let throttle = Throttle::new(sam_template::Throttle { rate: 10.0, burst: 3 });
        let start = Instant::now();
        let admitted = (0..5).filter(|_| throttle.admit_at(start)).count();
        assert_eq!(admitted, 3);
        assert!(!throttle.admit_at(start + Duration::from_millis(50)));
        assert!(throttle.admit_at(start + Duration::from_millis(250)));
    }
}
