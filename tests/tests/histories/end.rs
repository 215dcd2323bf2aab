//! Whether a history has ended as it may: every order in one of its end states, and the books in order.

use std::collections::BTreeMap;

use e2e::Books;

use crate::{
    history::{STOCK, Wish},
    model::{Model, Order},
    trace::Did,
};

impl Model<'_> {
    /// Holds the books against the model, when all is quiet.
    ///
    /// # Errors
    /// What is not as it should be.
    pub(crate) fn check_end(&self, books: &Books, product: impl Fn(usize) -> String) -> Result<(), String> {
        let mut share =
            books.share(STOCK.iter().enumerate().map(|(n, pieces)| (product(n), *pieces)).collect());
        for event in self.trace {
            if let Did::Restock { product: number, pieces } = event.did {
                share.restocked(&product(number), pieces);
            }
        }
        share.check(true)?;
        let mut unclear: Vec<_> = self.orders.iter().filter(|order| order.id.is_none()).collect();
        for (id, kept) in &share.orders {
            let is_it = |order: &Order<'_>| {
                kept.lines == lines(order.wish, &product)
                    && self.totals(order).contains(&kept.total)
                    && order.ends().contains(&kept.status.as_str())
                    && (order.pays() || !ever_captured(&share, id))
            };
            let known = self.order(id);
            // An order without a key whose answer was lost is known by what is in it.
            let stray = unclear.iter().position(|order| is_it(order));
            match (known, stray) {
                (Some(order), _) if is_it(order) => {}
                (Some(order), _) => {
                    let (ends, wish) = (order.ends(), order.wish);
                    let entry = share.ledger.get(id);
                    return Err(format!("order {id} of {wish} may be {ends:?}, and is {kept:?}, {entry:?}"));
                }
                (None, Some(stray)) => _ = unclear.remove(stray),
                (None, None) => return Err(format!("nobody asked for the order {id}: {kept:?}")),
            }
        }
        let lost = |order: &&Order<'_>| order.id.is_some_and(|id| !share.orders.contains_key(id));
        self.orders.iter().find(lost).map_or(Ok(()), |order| Err(format!("an order is gone: {order:?}")))
    }
}

/// Whether the provider took money for an order, given back since or not.
fn ever_captured(books: &Books, id: &str) -> bool {
    books.ledger.get(id).is_some_and(|entry| entry.state.starts_with("captured") || entry.state == "refunded")
}

/// The lines of a wish as the books have them.
fn lines(wish: &Wish, product: &impl Fn(usize) -> String) -> BTreeMap<String, i64> {
    let lines = wish.pieces.iter().enumerate().filter(|(_, pieces)| **pieces > 0);
    lines.map(|(number, pieces)| (product(number), *pieces)).collect()
}
