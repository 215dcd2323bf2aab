//! Who is behind an access key id.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// Who signs the calls of event sources.
pub(crate) const POLLER: &str = "POLLER";
/// What the callers of event sources are called by.
const POLLERS: &str = "pollers";

/// The environments by their access key ids.
#[derive(Debug, Default)]
pub struct AccessKeys(Mutex<BTreeMap<String, AccessKey>>);

#[derive(Debug)]
struct AccessKey {
    function: Arc<str>,
    kill: CancellationToken,
}

impl AccessKeys {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, AccessKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new environment of a function, with what kills it: the access key id that it shall sign with.
    pub(crate) fn add(&self, function: &Arc<str>, kill: CancellationToken) -> String {
        let mut all = self.all();
        let id = format!("LOCAL{:011}", all.len() + 1);
        all.insert(id.clone(), AccessKey { function: Arc::clone(function), kill });
        id
    }

    /// The function whose environment signs so.
    pub(crate) fn function(&self, id: &str) -> Option<Arc<str>> {
        self.all().get(id).map(|key| Arc::clone(&key.function))
    }

    /// What a caller is called by: a function's name, `pollers`, or nothing for strangers.
    pub(crate) fn name(&self, id: &str) -> Arc<str> {
        if id == POLLER { POLLERS.into() } else { self.function(id).unwrap_or_else(|| "".into()) }
    }

    /// Kills the environment that signs so.
    pub(crate) fn kill(&self, id: &str) {
        if let Some(key) = self.all().get(id) {
            key.kill.cancel();
        }
    }
}
