//! Carries out a history as a careful client does, and notes what is seen.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use e2e::{NO_ORDER, Request, Shop};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    history::{Action, History, Wish},
    trace::{Did, Event, Reply, Span},
};

/// A request that gets no clear answer for so long will get none.
const CLEAR_WITHIN: Duration = Duration::from_secs(40);
/// How long a step waits for orders to end; longer ones are not waited for.
const WAIT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(40);

/// A history that runs on a shop.
#[derive(Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) history: &'a History,
    /// Begins the names of its products and its customer: nobody else's.
    pub(crate) name: String,
    /// Whether nothing is made to go wrong.
    calm: bool,
    /// How often the shop was unavailable all the same: a machine that stands still for some seconds makes it so.
    pub(crate) unavailable: AtomicU64,
    /// The orders that are known, by the step that asked for them.
    orders: Mutex<BTreeMap<usize, String>>,
}

impl<'a> Actor<'a> {
    pub(crate) fn new(shop: &'a Shop, history: &'a History, name: String, calm: bool) -> Self {
        Self { shop, history, name, calm, unavailable: AtomicU64::default(), orders: Mutex::default() }
    }

    /// Whether each request has got its answer at once.
    pub(crate) fn undisturbed(&self) -> bool {
        self.calm && self.unavailable.load(Ordering::Relaxed) == 0
    }

    /// The id of a product of its own.
    pub(crate) fn product(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    /// Carries out all steps.
    ///
    /// # Errors
    /// When a request finds no clear answer.
    pub(crate) async fn run(&self) -> Result<Vec<Event>, String> {
        let mut trace = Vec::new();
        for group in self.history.groups() {
            for events in join_all(group.into_iter().map(|step| self.step(step))).await {
                trace.extend(events?);
            }
        }
        Ok(trace)
    }

    fn order_id(&self, step: usize) -> Option<String> {
        self.orders.lock().unwrap().get(&step).cloned()
    }

    async fn step(&self, step: usize) -> Result<Vec<Event>, String> {
        let begun = Instant::now();
        let target = self.history.target(step);
        // The order may not be known yet, or there may be none: then there is nothing to do.
        let order_id = target.and_then(|target| self.order_id(target));
        let did = match &self.history.0[step].action {
            Action::Wait => return self.wait(step).await,
            Action::Order(wish) => self.order(step, wish).await?,
            Action::Replay(_) | Action::Reuse(..) => {
                let Some(target) = target else { return Ok(Vec::new()) };
                let first = self.history.wish(target).unwrap();
                match &self.history.0[step].action {
                    Action::Reuse(_, wish) => {
                        self.order(target, &Wish { keyed: first.keyed, ..wish.clone() }).await?
                    }
                    _ => self.order(target, first).await?,
                }
            }
            Action::Read(_) => {
                let Some(order_id) = order_id else { return Ok(Vec::new()) };
                self.read(order_id).await?
            }
            Action::Cancel(_) => {
                let Some(order_id) = order_id else { return Ok(Vec::new()) };
                let answer = self.clear(|| self.shop.cancel(&order_id)).await?;
                Did::Cancel { order_id, answer }
            }
            Action::CancelUnknown => {
                Did::CancelUnknown { answer: self.clear(|| self.shop.cancel(NO_ORDER)).await? }
            }
            Action::Look(product) => {
                let path = format!("/products/{}", self.product(*product));
                Did::Look { product: *product, answer: self.clear(|| self.shop.http.get(&path)).await? }
            }
            Action::Restock(product, pieces) => {
                self.shop.restock(&self.product(*product), *pieces).await;
                Did::Restock { product: *product, pieces: *pieces }
            }
            Action::Raise(product, by) => {
                self.shop.raise_price(&self.product(*product), *by).await;
                Did::Raise { product: *product, by: *by }
            }
            Action::Repeat(_) => {
                if let Some(order_id) = order_id {
                    self.shop.send("PaymentsQueue", json!({"order_id": order_id})).await;
                }
                return Ok(Vec::new());
            }
            Action::GiveUp(_) => {
                let Some(order_id) = order_id else { return Ok(Vec::new()) };
                self.shop.send("PaymentsDeadLetterQueue", json!({"order_id": order_id})).await;
                Did::GiveUp { order_id }
            }
        };
        Ok(vec![Event { step, span: Span { begun, over: Instant::now() }, did }])
    }

    /// Asks for an order, under the key of the step `key`.
    async fn order(&self, key: usize, wish: &Wish) -> Result<Did, String> {
        let wished = wish.pieces.iter().enumerate().filter(|(_, pieces)| **pieces > 0);
        let lines: Vec<_> = wished.map(|(product, pieces)| (self.product(product), *pieces)).collect();
        let lines: Vec<_> = lines.iter().map(|(product, pieces)| (product.as_str(), *pieces)).collect();
        let customer = format!("{}@example.com", self.name);
        let request = || self.shop.order_as(&customer, &lines, wish.token);
        let did = |key, answer| Did::Order { key, wish: wish.clone(), answer };
        if wish.keyed {
            let answer = self.clear(|| request().header("idempotency-key", format!("step-{key}"))).await?;
            self.learn(key, &answer);
            return Ok(did(Some(key), Some(answer)));
        }
        // Without a key, asking again would make a second order.
        let (answer, clear) = self.ask(request()).await?;
        self.learn(key, &answer);
        Ok(did(None, clear.then_some(answer)))
    }

    fn learn(&self, step: usize, answer: &Reply) {
        if let Some(id) = answer.order().and_then(|order| order["order_id"].as_str()) {
            self.orders.lock().unwrap().insert(step, id.to_owned());
        }
    }

    async fn read(&self, order_id: String) -> Result<Did, String> {
        let answer = self.clear(|| self.shop.http.get(&format!("/orders/{order_id}"))).await?;
        Ok(Did::Read { order_id, answer })
    }

    /// Reads the orders so far until they have ended, or for a while.
    async fn wait(&self, step: usize) -> Result<Vec<Event>, String> {
        let mut open: Vec<String> = self.orders.lock().unwrap().values().cloned().collect();
        let (mut events, deadline) = (Vec::new(), Instant::now() + WAIT);
        while !open.is_empty() && Instant::now() < deadline {
            for order_id in std::mem::take(&mut open) {
                let begun = Instant::now();
                let did = self.read(order_id.clone()).await?;
                if matches!(&did, Did::Read { answer, .. } if answer.body["status"] == "PENDING") {
                    open.push(order_id);
                }
                events.push(Event { step, span: Span { begun, over: Instant::now() }, did });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(events)
    }

    /// Sends a request once, and tells whether its answer says what became of it.
    async fn ask(&self, request: Request) -> Result<(Reply, bool), String> {
        let answer = Reply::from(&request.send().await?);
        if self.calm && answer.status == 503 {
            self.unavailable.fetch_add(1, Ordering::Relaxed);
        }
        let unclear = answer.status == 503 || (answer.status == 500 && !self.calm);
        Ok((answer, !unclear))
    }

    /// Sends a request until its answer is clear.
    async fn clear(&self, request: impl Fn() -> Request) -> Result<Reply, String> {
        let deadline = Instant::now() + CLEAR_WITHIN;
        loop {
            let (answer, clear) = self.ask(request()).await?;
            if clear {
                return Ok(answer);
            }
            if Instant::now() >= deadline {
                return Err(format!("no clear answer within {CLEAR_WITHIN:?}: {answer:?}"));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
