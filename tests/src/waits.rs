//! Waiting for orders to end, and reading the tables then.

use std::time::Duration;

use serde_json::Value;

use crate::{Shop, TableSnapshot, eventually};

/// From the order to its end, where nothing goes wrong: a second or two, but for a machine that has much else to do.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

impl Shop {
    /// Waits until the order has ended.
    pub async fn ended(&self, order_id: &str) -> Value {
        self.ended_within(order_id, SETTLED_WITHIN).await
    }

    /// Waits a given time until the order has ended.
    pub async fn ended_within(&self, order_id: &str, within: Duration) -> Value {
        eventually(within, || async {
            let order = self.get_order(order_id).await;
            if order["status"] == "PENDING" { Err(order) } else { Ok(order) }
        })
        .await
    }

    /// Waits until the order has ended, looking at the table: no function runs for it, and no proxy counts it;
    /// `needs!(Tables)`.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn settle_quietly(&self, order_id: &str) {
        eventually(SETTLED_WITHIN, || async {
            let status = self.stored(order_id).await["status"].as_s().unwrap().clone();
            if status == "PENDING" { Err(status) } else { Ok(()) }
        })
        .await;
    }

    /// Waits until the payment of an order is under way: from now on it may be charged at any moment; `needs!(Tables)`.
    ///
    /// # Panics
    /// When it does not get so far in time.
    pub async fn intent_stored(&self, order_id: &str) {
        eventually(SETTLED_WITHIN, || async {
            let order = self.stored(order_id).await;
            if order.contains_key("payment_intent") { Ok(()) } else { Err(order) }
        })
        .await;
    }

    /// Everything in the tables; without them, what HTTP shows of it.
    pub async fn snapshot(&self) -> TableSnapshot {
        TableSnapshot::read(self).await
    }

    /// Waits until every order has ended, and holds the invariants.
    pub async fn settle(&self) -> TableSnapshot {
        self.settle_within(SETTLED_WITHIN).await
    }

    /// Waits a given time until every order has ended, and holds the invariants.
    pub async fn settle_within(&self, within: Duration) -> TableSnapshot {
        eventually(within, || async {
            let snapshot = self.snapshot().await;
            snapshot.check(true).map(|()| snapshot)
        })
        .await
    }

    /// Waits until every order has ended, and holds the invariants with so many pieces of a product that came after the
    /// seed.
    pub async fn ended_with_restock(&self, product_id: &str, pieces: i64) -> TableSnapshot {
        eventually(SETTLED_WITHIN, || async {
            let mut snapshot = self.snapshot().await;
            snapshot.restocked(product_id, pieces);
            snapshot.check(true).map(|()| snapshot)
        })
        .await
    }
}
