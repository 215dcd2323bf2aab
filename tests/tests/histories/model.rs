//! What the shop may do: which orders there are, by what was seen, and how much stock there can have been when.
//!
//! Requests overlap, so the model does not say what happens but what can have happened: each effect lies somewhere
//! between the beginning and the end of its request, and bounds follow from that.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use crate::{
    history::{PRICES, RequestedOrder, STOCK},
    plan::Plan,
    trace::{Event, Operation, RecordedResponse, Span},
};

/// The orders of one history, and its stock.
#[derive(Debug)]
pub(crate) struct Model<'a> {
    pub(crate) undisturbed: bool,
    pub(crate) trace: &'a [Event],
    pub(crate) orders: Vec<Order<'a>>,
}

/// An order as the customer knows it.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    /// None where no response was clear: it may have been made or not.
    pub(crate) id: Option<&'a str>,
    /// The step whose key it has.
    pub(crate) key: Option<usize>,
    pub(crate) requested: &'a RequestedOrder,
    /// It was not there before.
    asked: Instant,
    /// It was there from then on.
    known: Option<Instant>,
    /// Whether its payment may fail, although its token is good.
    pub(crate) given_up: bool,
    /// Whether it was seen CONFIRMED at any time.
    pub(crate) confirmed: bool,
    /// When it was first asked to be cancelled.
    cancelling: Option<Instant>,
    /// Whether a cancellation was answered with 200.
    pub(crate) cancelled: bool,
    /// From then on it held no stock.
    freed: Option<Instant>,
}

impl Order<'_> {
    /// The states that it may end in.
    pub(crate) fn ends(&self) -> &'static [&'static str] {
        if self.cancelled {
            return &["CANCELLED"];
        }
        match (self.pays(), self.can_fail()) {
            (true, false) => &["CONFIRMED"],
            (true, true) => &["CONFIRMED", "PAYMENT_FAILED"],
            (false, _) => &["PAYMENT_FAILED"],
        }
    }

    /// Whether the provider captures its charge.
    pub(crate) fn pays(&self) -> bool {
        self.requested.pays()
    }

    /// Whether its payment can fail.
    pub(crate) fn can_fail(&self) -> bool {
        !self.confirmed && (self.given_up || !self.pays())
    }

    /// When it was made, if it was: before the first response that shows it, or at any time.
    pub(crate) fn made_in(&self, trace: &[Event]) -> Span {
        let last = || trace.iter().map(|event| event.span.over).max();
        Span { begun: self.asked, over: self.known.or_else(last).unwrap_or(self.asked) }
    }

    /// Whether it was there when a request began.
    pub(crate) fn known_before(&self, span: &Span) -> bool {
        self.known.is_some_and(|known| known <= span.begun)
    }

    /// Whether it held its pieces all the time.
    fn holds_throughout(&self, span: &Span) -> bool {
        let before_end = |moment: Option<Instant>| moment.is_some_and(|moment| moment < span.over);
        let freed = self.can_fail() || before_end(self.cancelling);
        self.known_before(span) && !freed
    }

    /// Whether it may have held its pieces at some time.
    fn may_hold(&self, span: &Span) -> bool {
        self.asked < span.over && self.freed.is_none_or(|freed| freed > span.begun)
    }
}

impl<'a> Model<'a> {
    /// Learns from a trace.
    ///
    /// # Errors
    /// When a key made more than one order.
    pub(crate) fn of(trace: &'a [Event], plan: &Plan, undisturbed: bool) -> Result<Self, String> {
        let mut orders = Vec::new();
        let mut by_key: BTreeMap<usize, Vec<&Event>> = BTreeMap::new();
        for event in trace {
            match &event.operation {
                Operation::Order { key: Some(key), .. } => by_key.entry(*key).or_default().push(event),
                Operation::Order { key: None, .. } => orders.extend(made(None, &[event])?),
                _ => {}
            }
        }
        for (key, events) in by_key {
            orders.extend(made(Some(key), &events)?);
        }
        let mut model = Self { undisturbed, trace, orders };
        for order in &mut model.orders {
            order.given_up |= plan.gives_up();
            for event in trace {
                order.see(event);
            }
        }
        Ok(model)
    }

    pub(crate) fn order(&self, id: &str) -> Option<&Order<'a>> {
        self.orders.iter().find(|order| order.id == Some(id))
    }

    /// The order under a key.
    pub(crate) fn under(&self, key: usize) -> Option<&Order<'a>> {
        self.orders.iter().find(|order| order.key == Some(key))
    }

    /// What a product can have cost in a span of time. Raises that overlap it may have come before or after any moment of it.
    pub(crate) fn prices(&self, product: usize, span: &Span) -> BTreeSet<i64> {
        let mut prices = BTreeSet::from([PRICES[product]]);
        for event in self.trace {
            let Operation::RaisePrice { product: of, by } = event.operation else { continue };
            if of != product || span.before(&event.span) {
                continue;
            }
            let raised: BTreeSet<i64> = prices.iter().map(|price| price + by).collect();
            if event.span.before(span) {
                prices = raised;
            } else {
                prices.extend(raised);
            }
        }
        prices
    }

    /// Whether a price changed, or may have, in a span of time.
    pub(crate) fn prices_move(&self, requested: &RequestedOrder, span: &Span) -> bool {
        (0..3).any(|product| requested.pieces[product] > 0 && self.prices(product, span).len() > 1)
    }

    /// What an order can cost: at each moment when it may have been made, its pieces at prices of that moment.
    pub(crate) fn totals(&self, order: &Order<'_>) -> BTreeSet<i64> {
        let mut totals = BTreeSet::from([0]);
        for (product, pieces) in order.requested.pieces.iter().enumerate() {
            let prices = self.prices(product, &order.made_in(self.trace));
            totals = totals
                .iter()
                .flat_map(|total| prices.iter().map(move |price| total + pieces * price))
                .collect();
        }
        totals
    }

    /// The least and the most that can have been available of a product in a span of time.
    pub(crate) fn available(&self, product: usize, span: &Span) -> (i64, i64) {
        let (mut least, mut most) = (STOCK[product], STOCK[product]);
        for event in self.trace {
            if let Operation::Restock { product: of, pieces } = event.operation
                && of == product
            {
                least += if event.span.before(span) { pieces } else { 0 };
                most += if span.before(&event.span) { 0 } else { pieces };
            }
        }
        for order in &self.orders {
            let pieces = order.requested.pieces[product];
            least -= if order.may_hold(span) { pieces } else { 0 };
            most -= if order.holds_throughout(span) { pieces } else { 0 };
        }
        (least, most)
    }
}

impl Order<'_> {
    /// Takes note of what an event shows of this order.
    fn see(&mut self, event: &Event) {
        let about = |order_id: &str| self.id == Some(order_id);
        let response = match &event.operation {
            Operation::Cancel { order_id, response } if about(order_id) => {
                let begun = event.span.begun;
                self.cancelling = Some(self.cancelling.map_or(begun, |first| first.min(begun)));
                self.cancelled |= response.status == 200;
                response
            }
            Operation::ReadOrder { order_id, response } if about(order_id) => response,
            Operation::Order { response: Some(response), .. } => response,
            _ => return,
        };
        let Some(order) = response.order().filter(|order| self.id == order["order_id"].as_str()) else {
            return;
        };
        let history = order["history"].as_array().into_iter().flatten();
        self.confirmed |= history.into_iter().any(|step| step["status"] == "CONFIRMED");
        if matches!(order["status"].as_str(), Some("PAYMENT_FAILED" | "CANCELLED")) {
            let over = event.span.over;
            self.freed = Some(self.freed.map_or(over, |freed| freed.min(over)));
        }
    }
}

/// The order that requests under one key, or one request without, have made.
fn made<'a>(key: Option<usize>, events: &[&'a Event]) -> Result<Option<Order<'a>>, String> {
    let asked = |event: &&'a Event| match &event.operation {
        Operation::Order { requested, response, .. } => Some((event.span, requested, response.as_ref())),
        _ => None,
    };
    let requests: Vec<_> = events.iter().filter_map(asked).collect();
    let good =
        |reply: Option<&'a RecordedResponse>| reply.and_then(RecordedResponse::order)?["order_id"].as_str();
    let answered: Vec<_> = requests
        .iter()
        .filter_map(|(span, requested, reply)| Some((span, *requested, good(*reply)?)))
        .collect();
    let order = |id, requested, asked, known| Order {
        id,
        key,
        requested,
        asked,
        known,
        given_up: false,
        confirmed: false,
        cancelling: None,
        cancelled: false,
        freed: None,
    };
    let Some((_, requested, id)) = answered.first() else {
        let unclear = requests.iter().find(|(_, _, reply)| reply.is_none());
        return Ok(unclear.map(|(span, requested, _)| order(None, *requested, span.begun, None)));
    };
    if let Some((_, other, another)) =
        answered.iter().find(|(_, other, another)| another != id || !other.same(requested))
    {
        return Err(format!("one key made the order {id} of {requested} and the order {another} of {other}"));
    }
    let alike = requests.iter().filter(|(_, other, _)| other.same(requested));
    let asked = alike.map(|(span, _, _)| span.begun).min();
    let known = answered.iter().map(|(span, _, _)| span.over).min();
    Ok(asked.map(|asked| order(Some(*id), *requested, asked, known)))
}
