//! Caches the responses of an authorizer by the identity sources of the request.
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

#[derive(Debug)]
struct Entry {
    expires: Instant,
    response: Arc<AuthorizerResponse>,
}

impl Cache {
    /// A TTL of zero turns caching off.
    pub(super) fn new(ttl: Duration) -> Self {
        Self { ttl, entries: Mutex::default() }
    }

    pub(super) fn get(&self, identity: &[String]) -> Option<Arc<AuthorizerResponse>> {
        self.get_at(Instant::now(), identity)
    }

    fn get_at(&self, now: Instant, identity: &[String]) -> Option<Arc<AuthorizerResponse>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(identity).filter(|entry| now < entry.expires).map(|entry| Arc::clone(&entry.response))
    }

    pub(super) fn put(&self, identity: Vec<String>, response: &Arc<AuthorizerResponse>) {
        self.put_at(Instant::now(), identity, response);
    }

    fn put_at(&self, now: Instant, identity: Vec<String>, response: &Arc<AuthorizerResponse>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| now < entry.expires);
        if !self.ttl.is_zero() {
            entries.insert(identity, Entry { expires: now + self.ttl, response: Arc::clone(response) });
        }
    }
}

#[cfg(test)]
mod tests {
    use sam_template::ResponseFormat;

    use super::*;

    #[test]
    fn http_api_lambda_authorizer_answers_are_kept_for_their_time_and_identity() {
        let response = Arc::new(
            AuthorizerResponse::parse(br#"{"isAuthorized": true}"#, ResponseFormat::Simple).unwrap(),
        );
        let (ada, bob) = (vec!["ada".to_owned()], vec!["bob".to_owned()]);
        let (cache, now) = (Cache::new(Duration::from_secs(300)), Instant::now());
        cache.put_at(now, ada.clone(), &response);
        assert!(cache.get_at(now + Duration::from_secs(299), &ada).is_some());
        assert!(cache.get_at(now + Duration::from_secs(300), &ada).is_none());
        assert!(cache.get_at(now, &bob).is_none());
        let off = Cache::new(Duration::ZERO);
        off.put_at(now, ada.clone(), &response);
        assert!(off.get_at(now, &ada).is_none());
    }
}
