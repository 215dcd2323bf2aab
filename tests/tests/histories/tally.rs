//! What the histories met: a run in which nothing was refused, cancelled or struck would prove little.

use std::{collections::BTreeMap, fmt, sync::Mutex};

use e2e::TableSnapshot;
use serde_json::Value;

use crate::trace::{Event, Operation, RecordedResponse};

/// Counts by name.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    pub(crate) fn add(&self, what: &str, count: u64) {
        *self.0.lock().unwrap().entry(what.to_owned()).or_default() += count;
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.0.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    /// Counts the answers of a history.
    pub(crate) fn responses(&self, trace: &[Event]) {
        for event in trace {
            let (verb, response) = match &event.operation {
                Operation::Order { response, .. } => ("POST /orders", response.as_ref()),
                Operation::Cancel { response, .. } | Operation::CancelUnknown { response } => {
                    ("cancel", Some(response))
                }
                Operation::ReadOrder { response, .. } | Operation::ReadProduct { response, .. } => {
                    ("GET", Some(response))
                }
                Operation::Restock { .. } | Operation::RaisePrice { .. } => continue,
            };
            let status = response
                .map_or_else(|| "unclear".to_owned(), |RecordedResponse { status, .. }| status.to_string());
            self.add(&format!("{verb} {status}"), 1);
        }
    }

    /// Counts what the provider has rejected, as its simulator says.
    pub(crate) fn provider(&self, ledger: &Value) {
        for (what, count) in ledger["requests"].as_object().into_iter().flatten() {
            self.add(&format!("provider {what}"), count.as_u64().unwrap_or_default());
        }
    }

    /// Counts the ends of the orders, and the refunds that wait for people.
    pub(crate) fn ends(&self, snapshot: &TableSnapshot) {
        let refused = snapshot.payments.values().filter(|outcome| *outcome == "REFUND_REFUSED");
        self.add("REFUND_REFUSED", refused.count() as u64);
        for status in ["CONFIRMED", "PAYMENT_FAILED", "CANCELLED"] {
            self.add(status, snapshot.count(status) as u64);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.lock().unwrap();
        let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{what}: {count}")).collect();
        write!(f, "{}", counts.join(", "))
    }
}
