//! How slow, how strict and how unreliable the provider is.

use payments::{Latency, SIMULATOR_KEY};
use serde::Deserialize;

/// How the simulator handles requests. A member that is left out has its default.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How long each request takes.
    #[serde(rename = "latency_ms")]
    pub latency: Latency,
    /// The probability that a request fails without an effect, 0 to 1.
    pub failure_rate: f64,
    /// How many requests are admitted within any second; no limit if there is none.
    pub rate_limit: Option<usize>,
    /// The API keys that are accepted. One that is left out is revoked.
    pub api_keys: Vec<String>,
    /// Whether the idempotency keys that were used until now are forgotten, as Stripe does with those older than 24 hours.
    pub forget_keys: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            latency: Latency::default(),
            failure_rate: 0.0,
            rate_limit: None,
            api_keys: vec![SIMULATOR_KEY.to_owned()],
            forget_keys: false,
        }
    }
}
