//! Logs: one JSON line per outcome, with fields for queries. They never contain bodies, secrets or e-mail addresses.

use tracing::level_filters::LevelFilter;

use crate::config::{self, ConfigError};

/// Writes logs as JSON lines to standard output, from the level in `LOG_LEVEL` (default `info`).
///
/// # Errors
/// [`ConfigError::Invalid`] when `LOG_LEVEL` is not a level.
pub fn init() -> Result<(), ConfigError> {
    let level = config::parsed("LOG_LEVEL", LevelFilter::INFO)?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        .init();
    Ok(())
}
