//! A part of a snapshot: one test's, where several share a stack.

use std::collections::BTreeMap;

use super::TableSnapshot;

impl TableSnapshot {
    /// What concerns the products in `seeded`, each with its stock when the test began: their offers, the orders with
    /// any of them, and what was charged for these. Where each test has products of its own, the invariants must hold
    /// for its part as for the whole.
    #[must_use]
    pub fn part(&self, seeded: BTreeMap<String, i64>) -> Self {
        let ours = |product: &String| seeded.contains_key(product);
        let orders = self.orders.iter().filter(|(_, order)| order.lines.keys().any(ours));
        let orders: BTreeMap<_, _> = orders.map(|(id, order)| (id.clone(), order.clone())).collect();
        let available = self.available.iter().filter(|(product, _)| ours(product));
        let ledger = self.ledger.iter().filter(|(id, _)| orders.contains_key(*id));
        let payments = self.payments.iter().filter(|(id, _)| orders.contains_key(*id));
        Self {
            available: available.map(|(product, pieces)| (product.clone(), *pieces)).collect(),
            ledger: ledger.map(|(id, entry)| (id.clone(), entry.clone())).collect(),
            payments: payments.map(|(id, outcome)| (id.clone(), outcome.clone())).collect(),
            with_charges: self.with_charges,
            seeded,
            orders,
        }
    }

    /// Charges without an order.
    #[must_use]
    pub fn charges_without_order(&self) -> Vec<&str> {
        self.ledger.keys().filter(|id| !self.orders.contains_key(*id)).map(String::as_str).collect()
    }
}
