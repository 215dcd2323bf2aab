//! The access key ids that the stack has issued: each execution environment signs its calls with one of its own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// The access key id that signs the calls of event sources.
pub(crate) const POLLER: &str = "POLLER";
/// What fault rules call the event sources.
const POLLERS: &str = "pollers";

/// The environments by their access key ids.
#[derive(Debug, Default)]
pub struct AccessKeys(Mutex<BTreeMap<String, Owner>>);

/// The environment that an access key id was issued to.
#[derive(Debug)]
struct Owner {
    function: Arc<str>,
    kill: CancellationToken,
}

impl AccessKeys {
    fn owners(&self) -> MutexGuard<'_, BTreeMap<String, Owner>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Issues an access key id to a new environment of a function. `kill` kills the environment.
    pub(crate) fn issue(&self, function: &Arc<str>, kill: CancellationToken) -> String {
        let mut owners = self.owners();
        let id = format!("LOCAL{:011}", owners.len() + 1);
        owners.insert(id.clone(), Owner { function: Arc::clone(function), kill });
        id
    }

    /// The function whose environment has this access key id.
    pub(crate) fn function(&self, id: &str) -> Option<Arc<str>> {
        self.owners().get(id).map(|owner| Arc::clone(&owner.function))
    }

    /// The caller's name in fault rules: a function's name, `pollers`, or nothing for callers outside the stack.
    pub(crate) fn caller_name(&self, id: &str) -> Arc<str> {
        if id == POLLER { POLLERS.into() } else { self.function(id).unwrap_or_else(|| "".into()) }
    }

    /// Kills the environment that has this access key id.
    pub(crate) fn kill_environment(&self, id: &str) {
        if let Some(owner) = self.owners().get(id) {
            owner.kill.cancel();
        }
    }
}
