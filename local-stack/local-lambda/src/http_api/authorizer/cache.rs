//! What an authorizer has answered, by the identity of the request.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>: "API Gateway uses the
//! authorizer's identity sources as the cache key".

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::response::AuthorizerResponse;

#[derive(Debug)]
pub(super) struct Cache {
    ttl: Duration,
    entries: Mutex<HashMap<Vec<String>, Entry>>,
}

/// A verdict, and until when it counts.
type Entry = (Instant, Arc<AuthorizerResponse>);

impl Cache {
    /// Zero keeps nothing.
    pub(super) fn new(ttl: Duration) -> Self {
        Self { ttl, entries: Mutex::default() }
    }

    pub(super) fn get(&self, identity: &[String]) -> Option<Arc<AuthorizerResponse>> {
        self.get_at(Instant::now(), identity)
    }

    fn get_at(&self, now: Instant, identity: &[String]) -> Option<Arc<AuthorizerResponse>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(identity).filter(|(until, _)| now < *until).map(|(_, verdict)| Arc::clone(verdict))
    }

    pub(super) fn put(&self, identity: Vec<String>, verdict: &Arc<AuthorizerResponse>) {
        self.put_at(Instant::now(), identity, verdict);
    }

    fn put_at(&self, now: Instant, identity: Vec<String>, verdict: &Arc<AuthorizerResponse>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, (until, _)| now < *until);
        if !self.ttl.is_zero() {
            entries.insert(identity, (now + self.ttl, Arc::clone(verdict)));
        }
    }
}

#[cfg(test)]
mod tests {
    use sam_template::ResponseFormat;

    use super::*;

    #[test]
    fn http_api_lambda_authorizer_answers_are_kept_for_their_time_and_identity() {
        let verdict = Arc::new(
            AuthorizerResponse::parse(br#"{"isAuthorized": true}"#, ResponseFormat::Simple).unwrap(),
        );
        let (ada, bob) = (vec!["ada".to_owned()], vec!["bob".to_owned()]);
        let (cache, now) = (Cache::new(Duration::from_secs(300)), Instant::now());
        cache.put_at(now, ada.clone(), &verdict);
        assert!(cache.get_at(now + Duration::from_secs(299), &ada).is_some());
        assert!(cache.get_at(now + Duration::from_secs(300), &ada).is_none());
        assert!(cache.get_at(now, &bob).is_none());
        let off = Cache::new(Duration::ZERO);
        off.put_at(now, ada.clone(), &verdict);
        assert!(off.get_at(now, &ada).is_none());
    }
}
