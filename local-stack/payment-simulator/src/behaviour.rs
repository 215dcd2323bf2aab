//! How slow and how unreliable the provider is.

use payments::Latency;
use serde::Deserialize;

/// How the simulator handles requests.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// How long each request takes.
    #[serde(rename = "latency_ms")]
    pub latency: Latency,
    /// The probability that a request fails without an effect, 0 to 1.
    #[serde(default)]
    pub failure_rate: f64,
}
