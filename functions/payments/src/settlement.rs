//! One transaction that ends an order: its state, its payment record and, unless it is paid, its stock given back.

use catalog::Catalog;
use orders::{Line, Order, Orders, Status};
use shared::{
    Deadline, Error, Timestamp,
    transaction::{self, Check},
};

use crate::record::{Outcome, PaymentItem, Payments};

/// The tables that a settlement writes.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    pub(crate) payments: Payments,
}

/// How an order shall end.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) status: Status,
    pub(crate) outcome: Outcome,
    pub(crate) provider_reference: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) attempts: u32,
}

/// What became of a settlement.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The order has ended as asked.
    Done,
    /// The order had ended before, as it stands here.
    Before(Box<Order>),
}

impl Tables {
    /// Ends a PENDING order. The condition on its state lets exactly one settlement win.
    pub(crate) async fn settle(
        &self,
        order: &Order,
        settlement: &Settlement,
        deadline: Deadline,
    ) -> Result<Settled, Error> {
        let mut give_back: Vec<&Line> =
            if settlement.status == Status::Confirmed { Vec::new() } else { order.lines.iter().collect() };
        loop {
            let mut items = vec![
                self.orders.transition(
                    order.order_id,
                    Status::Pending,
                    settlement.status,
                    settlement.reason.as_deref(),
                )?,
                self.payments.put(&payment(order, settlement))?,
            ];
            for line in &give_back {
                items.push(self.catalog.release(&line.product_id, line.quantity)?);
            }
            let checks = match transaction::write(self.orders.client(), items, deadline).await? {
                transaction::Outcome::Written => return Ok(Settled::Done),
                transaction::Outcome::Refused(checks) => checks,
            };
            let mut checks = checks.into_iter();
            if let Some(Check::Failed(item)) = checks.next() {
                return Ok(Settled::Before(Box::new(Orders::read(item.unwrap_or_default())?)));
            }
            // A product that has left the catalogue has no stock to give back to, and must not keep the order from
            // its end. Each pass drops at least one line, so this ends.
            let before = give_back.len();
            let mut releases = checks.skip(1);
            give_back.retain(|_| !matches!(releases.next(), Some(Check::Failed(_))));
            if give_back.len() == before {
                return Err(Error::Internal(
                    "a settlement was refused without a failed condition".to_owned(),
                ));
            }
            tracing::warn!(order_id = %order.order_id, lines = before - give_back.len(), "stock has no offer to return to");
        }
    }
}

fn payment(order: &Order, settlement: &Settlement) -> PaymentItem {
    PaymentItem {
        order_id: order.order_id,
        outcome: settlement.outcome,
        amount: order.total.amount(),
        currency: order.total.currency(),
        provider_reference: settlement.provider_reference.clone(),
        reason: settlement.reason.clone(),
        attempts: settlement.attempts,
        updated_at: Timestamp::now(),
    }
}
