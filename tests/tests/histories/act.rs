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
    history::{Action, History, RequestedOrder},
    trace::{Event, Operation, RecordedResponse, Span},
};

/// A request that has had no definite response for so long will have none.
const DEFINITE_WITHIN: Duration = Duration::from_secs(40);
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

    /// Whether each request has got its response at once.
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
    /// When a request gets no definite response.
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
        let operation = match &self.history.0[step].action {
            Action::Wait => return self.wait(step).await,
            Action::Order(requested) => self.order(step, requested).await?,
            Action::Replay(_) | Action::Reuse(..) => {
                let Some(target) = target else { return Ok(Vec::new()) };
                let first = self.history.requested(target).unwrap();
                match &self.history.0[step].action {
                    Action::Reuse(_, requested) => {
                        self.order(target, &RequestedOrder { keyed: first.keyed, ..requested.clone() })
                            .await?
                    }
                    _ => self.order(target, first).await?,
                }
            }
            Action::ReadOrder(_) => {
                let Some(order_id) = order_id else { return Ok(Vec::new()) };
                self.read(order_id).await?
            }
            Action::Cancel(_) => {
                let Some(order_id) = order_id else { return Ok(Vec::new()) };
                let response = self.clear(|| self.shop.cancel(&order_id)).await?;
                Operation::Cancel { order_id, response }
            }
            Action::CancelUnknown => {
                Operation::CancelUnknown { response: self.clear(|| self.shop.cancel(NO_ORDER)).await? }
            }
            Action::ReadProduct(product) => {
                let path = format!("/products/{}", self.product(*product));
                Operation::ReadProduct {
                    product: *product,
                    response: self.clear(|| self.shop.http.get(&path)).await?,
                }
            }
            Action::Restock(product, pieces) => {
                self.shop.restock(&self.product(*product), *pieces).await;
                Operation::Restock { product: *product, pieces: *pieces }
            }
            Action::RaisePrice(product, by) => {
                self.shop.raise_price(&self.product(*product), *by).await;
                Operation::RaisePrice { product: *product, by: *by }
            }
            Action::ResendMessage(_) => {
                if let Some(order_id) = order_id {
                    self.shop.send("PaymentsQueue", json!({"order_id": order_id})).await;
                }
                return Ok(Vec::new());
            }
            Action::SendDeadLetter(_) => {
                if let Some(order_id) = order_id {
                    self.shop.send("PaymentsDeadLetterQueue", json!({"order_id": order_id})).await;
                }
                return Ok(Vec::new());
            }
        };
        Ok(vec![Event { step, span: Span { begun, over: Instant::now() }, operation }])
    }

    /// Asks for an order, under the key of the step `key`.
    async fn order(&self, key: usize, requested: &RequestedOrder) -> Result<Operation, String> {
        let ordered = requested.pieces.iter().enumerate().filter(|(_, pieces)| **pieces > 0);
        let lines: Vec<_> = ordered.map(|(product, pieces)| (self.product(product), *pieces)).collect();
        let lines: Vec<_> = lines.iter().map(|(product, pieces)| (product.as_str(), *pieces)).collect();
        let customer = format!("{}@example.com", self.name);
        let request = || self.shop.order_as(&customer, &lines, requested.token);
        let operation = |key, response| Operation::Order { key, requested: requested.clone(), response };
        if requested.keyed {
            let response =
                self.clear(|| request().header("idempotency-key", format!("the-key-of-step-{key}"))).await?;
            self.learn(key, &response);
            return Ok(operation(Some(key), Some(response)));
        }
        // Without a key, asking again would make a second order.
        let (response, clear) = self.ask(request()).await?;
        self.learn(key, &response);
        Ok(operation(None, clear.then_some(response)))
    }

    fn learn(&self, step: usize, response: &RecordedResponse) {
        if let Some(id) = response.order().and_then(|order| order["order_id"].as_str()) {
            self.orders.lock().unwrap().insert(step, id.to_owned());
        }
    }

    async fn read(&self, order_id: String) -> Result<Operation, String> {
        let response = self.clear(|| self.shop.http.get(&format!("/orders/{order_id}"))).await?;
        Ok(Operation::ReadOrder { order_id, response })
    }

    /// Reads the orders so far until they have ended, or for a while.
    async fn wait(&self, step: usize) -> Result<Vec<Event>, String> {
        let mut open: Vec<String> = self.orders.lock().unwrap().values().cloned().collect();
        let (mut events, deadline) = (Vec::new(), Instant::now() + WAIT);
        while !open.is_empty() && Instant::now() < deadline {
            for order_id in std::mem::take(&mut open) {
                let begun = Instant::now();
                let operation = self.read(order_id.clone()).await?;
                if matches!(&operation, Operation::ReadOrder { response, .. } if response.body["status"] == "PENDING")
                {
                    open.push(order_id);
                }
                events.push(Event { step, span: Span { begun, over: Instant::now() }, operation });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(events)
    }

    /// Sends a request once, and returns whether its response is definite.
    async fn ask(&self, request: Request) -> Result<(RecordedResponse, bool), String> {
        let response = RecordedResponse::from(&request.send().await?);
        if self.calm && response.status == 503 {
            self.unavailable.fetch_add(1, Ordering::Relaxed);
        }
        let unclear = response.status == 503 || (response.status == 500 && !self.calm);
        Ok((response, !unclear))
    }

    /// Sends a request until its response is clear.
    async fn clear(&self, request: impl Fn() -> Request) -> Result<RecordedResponse, String> {
        let deadline = Instant::now() + DEFINITE_WITHIN;
        loop {
            let (response, clear) = self.ask(request()).await?;
            if clear {
                return Ok(response);
            }
            if Instant::now() >= deadline {
                return Err(format!("no definite response within {DEFINITE_WITHIN:?}: {response:?}"));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
