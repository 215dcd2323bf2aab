//! Whether a history has ended as it may: every order in one of its end states, and the tables in order.

use std::collections::BTreeMap;

use e2e::TableSnapshot;

use crate::{
    history::{RequestedOrder, STOCK},
    model::{Model, Order},
    trace::Operation,
};

impl Model<'_> {
    /// Holds the tables against the model, when all is quiet.
    ///
    /// # Errors
    /// What is not as it should be.
    pub(crate) fn check_end(
        &self,
        snapshot: &TableSnapshot,
        product: impl Fn(usize) -> String,
    ) -> Result<(), String> {
        let mut part =
            snapshot.part(STOCK.iter().enumerate().map(|(n, pieces)| (product(n), *pieces)).collect());
        for event in self.trace {
            if let Operation::Restock { product: number, pieces } = event.operation {
                part.restocked(&product(number), pieces);
            }
        }
        part.check(true)?;
        let mut unclear: Vec<_> = self.orders.iter().filter(|order| order.id.is_none()).collect();
        for (id, kept) in &part.orders {
            let is_it = |order: &Order<'_>| {
                kept.lines == lines(order.requested, &product)
                    && self.totals(order).contains(&kept.total)
                    && order.ends().contains(&kept.status.as_str())
                    && (order.pays() || !ever_captured(&part, id))
            };
            let known = self.order(id);
            // An order without a key whose response was lost is known by what is in it.
            let stray = unclear.iter().position(|order| is_it(order));
            match (known, stray) {
                (Some(order), _) if is_it(order) => {}
                (Some(order), _) => {
                    let (ends, requested) = (order.ends(), order.requested);
                    let entry = part.ledger.get(id);
                    return Err(format!(
                        "order {id} of {requested} may be {ends:?}, and is {kept:?}, {entry:?}"
                    ));
                }
                (None, Some(stray)) => _ = unclear.remove(stray),
                (None, None) => return Err(format!("nobody asked for the order {id}: {kept:?}")),
            }
        }
        let lost = |order: &&Order<'_>| order.id.is_some_and(|id| !part.orders.contains_key(id));
        self.orders.iter().find(lost).map_or(Ok(()), |order| Err(format!("an order is gone: {order:?}")))
    }
}

/// Whether the provider took money for an order, given back since or not.
fn ever_captured(snapshot: &TableSnapshot, id: &str) -> bool {
    snapshot
        .ledger
        .get(id)
        .is_some_and(|entry| entry.state.starts_with("captured") || entry.state == "refunded")
}

/// The lines of an order as the tables have them.
fn lines(requested: &RequestedOrder, product: &impl Fn(usize) -> String) -> BTreeMap<String, i64> {
    let lines = requested.pieces.iter().enumerate().filter(|(_, pieces)| **pieces > 0);
    lines.map(|(number, pieces)| (product(number), *pieces)).collect()
}
