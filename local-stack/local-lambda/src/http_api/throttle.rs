//! The throttle of a route: a token bucket.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use sam_template::{HttpApi, HttpRoute};

#[derive(Debug)]
pub(crate) struct Throttle {
    rate: f64,
    burst: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

/// The quotas of an account, for a throttle that sets only one of its two limits.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const ACCOUNT_RATE: f64 = 10_000.0;
const ACCOUNT_BURST: u32 = 5_000;

impl Throttle {
    /// The throttle of a route. Limits that its own settings lack come from the API's settings for the route, and then from
    /// those for all routes.
    pub(crate) fn of(route: &HttpRoute, api: Option<&HttpApi>) -> Option<Self> {
        let settings =
            api.and_then(|api| api.route_settings.iter().find(|settings| settings.route_key == route.key()));
        let throttle = route
            .throttle
            .or(settings.map(|settings| settings.throttle).unwrap_or_default())
            .or(api.map(|api| api.default_throttle).unwrap_or_default());
        (throttle != sam_template::Throttle::default()).then(|| Self::new(throttle))
    }

    fn new(throttle: sam_template::Throttle) -> Self {
        let burst = f64::from(throttle.burst.unwrap_or(ACCOUNT_BURST));
        let rate = throttle.rate.unwrap_or(ACCOUNT_RATE);
        Self { rate, burst, bucket: Mutex::new(Bucket { tokens: burst, filled_at: Instant::now() }) }
    }

    /// Takes a token; false when there is none.
    pub(crate) fn admit(&self) -> bool {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let new = now.saturating_duration_since(bucket.filled_at).as_secs_f64() * self.rate;
        bucket.tokens = (bucket.tokens + new).min(self.burst);
        bucket.filled_at = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn http_api_throttling_a_burst_passes_and_then_the_rate() {
        let throttle = Throttle::new(sam_template::Throttle { rate: Some(10.0), burst: Some(3) });
        let start = Instant::now();
        let admitted = (0..5).filter(|_| throttle.admit_at(start)).count();
        assert_eq!(admitted, 3);
        assert!(!throttle.admit_at(start + Duration::from_millis(50)));
        assert!(throttle.admit_at(start + Duration::from_millis(250)));
    }
}
