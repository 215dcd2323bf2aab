//! The iterator age: how far a function is behind its stream.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// The age of the oldest record that has been read and is not processed: Lambda's metric `IteratorAge`.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>
#[derive(Debug, Default)]
pub struct IteratorAge(Mutex<BTreeMap<SystemTime, usize>>);

impl IteratorAge {
    /// The current age; zero when all records that have been read are processed.
    #[must_use]
    pub fn now(&self) -> Duration {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.keys().next().and_then(|oldest| oldest.elapsed().ok()).unwrap_or_default()
    }

    /// Records that were created at these times have been read.
    pub(super) fn read(&self, times: impl Iterator<Item = SystemTime>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for time in times {
            *waiting.entry(time).or_default() += 1;
        }
    }

    /// Records that were created at these times are processed or discarded.
    pub(super) fn done(&self, times: impl Iterator<Item = SystemTime>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for time in times {
            if let Some(count) = waiting.get_mut(&time) {
                *count -= 1;
                if *count == 0 {
                    waiting.remove(&time);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_record_that_is_not_processed_counts() {
        let (age, now) = (IteratorAge::default(), SystemTime::now());
        let (old, older) = (now - Duration::from_secs(10), now - Duration::from_secs(100));
        age.read([old, older, older].into_iter());
        assert_eq!(age.now().as_secs() / 10, 10);
        age.done([older].into_iter());
        assert_eq!(age.now().as_secs() / 10, 10, "another of the same time is left");
        age.done([older].into_iter());
        assert_eq!(age.now().as_secs() / 10, 1);
        age.done([old].into_iter());
        assert_eq!(age.now(), Duration::ZERO);
    }
}
