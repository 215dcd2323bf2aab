//! Whether each response is one that the shop may give.

use serde_json::Value;

use crate::{
    history::RequestedOrder,
    model::{Model, Order},
    trace::{Event, Operation, RecordedResponse, Span},
};

impl Model<'_> {
    /// Holds every response against the model.
    ///
    /// # Errors
    /// The first that is not allowed.
    pub(crate) fn check_responses(&self, product: impl Fn(usize) -> String) -> Result<(), String> {
        for event in self.trace {
            self.check(event, &product).map_err(|why| format!("step {}: {why}", event.step + 1))?;
        }
        for order in &self.orders {
            self.check_once(order)?;
            self.check_course(order, &product)?;
        }
        Ok(())
    }

    fn check(&self, event: &Event, product: &impl Fn(usize) -> String) -> Result<(), String> {
        match &event.operation {
            Operation::Order { key, requested, response: Some(response) } => {
                self.check_order(&event.span, *key, requested, response, product)
            }
            Operation::Cancel { order_id, response } => self.check_cancel(&event.span, order_id, response),
            Operation::ReadOrder { response, .. } if response.order().is_none() => Err(unexpected(response)),
            Operation::CancelUnknown { response } if response.problem() != "order-not-found" => {
                Err(unexpected(response))
            }
            Operation::ReadProduct { product, response } => {
                let prices = self.prices(*product, &event.span);
                if !prices.contains(&amount(&response.body["price"])) {
                    return Err(format!("it can cost {prices:?}: {response:?}"));
                }
                let (least, most) = self.available(*product, &event.span);
                match response.body["available"].as_i64() {
                    Some(pieces) if (least.max(0)..=most).contains(&pieces) => Ok(()),
                    pieces => Err(format!("{least} to {most} may be available, and it says {pieces:?}")),
                }
            }
            _ => Ok(()),
        }
    }

    fn check_order(
        &self,
        span: &Span,
        key: Option<usize>,
        requested: &RequestedOrder,
        response: &RecordedResponse,
        product: &impl Fn(usize) -> String,
    ) -> Result<(), String> {
        let under = key.and_then(|key| self.under(key));
        let made_before = under.filter(|order| order.known_before(span));
        match (response.status, response.problem()) {
            (201, _) if made_before.is_some() => Err(format!("a second order: {response:?}")),
            (201, _) => {
                let short = (0..3).find(|number| self.available(*number, span).1 < requested.pieces[*number]);
                short.map_or(Ok(()), |number| {
                    let most = self.available(number, span).1;
                    Err(format!("at most {most} of product {number} can have been there, and it was ordered"))
                })
            }
            (200, _) if key.is_some() && response.replayed => Ok(()),
            (409, "out-of-stock") if made_before.is_none() => {
                self.check_shortage(span, requested, response, product)
            }
            (409, "price-changed") if made_before.is_none() && self.prices_move(requested, span) => Ok(()),
            (422, "idempotency-key-reused")
                if under.is_some_and(|order| !order.requested.same(requested)) =>
            {
                Ok(())
            }
            _ => Err(unexpected(response)),
        }
    }

    /// What is said to be short must be, and can have been available as it says.
    fn check_shortage(
        &self,
        span: &Span,
        requested: &RequestedOrder,
        response: &RecordedResponse,
        product: &impl Fn(usize) -> String,
    ) -> Result<(), String> {
        let shortages = response.body["out_of_stock"].as_array().filter(|list| !list.is_empty());
        for short in shortages.ok_or_else(|| unexpected(response))? {
            let number = number_of(short, product).ok_or_else(|| unexpected(response))?;
            let (least, most) = self.available(number, span);
            let possible = |pieces: i64| {
                (least.max(0)..=most).contains(&pieces)
                    && pieces < requested.pieces[number]
                    && short["requested"] == requested.pieces[number]
            };
            if !short["available"].as_i64().is_some_and(possible) {
                return Err(format!("{least} to {most} may be available of product {number}: {response:?}"));
            }
        }
        Ok(())
    }

    fn check_cancel(&self, span: &Span, order_id: &str, response: &RecordedResponse) -> Result<(), String> {
        let order = self.order(order_id).ok_or("cancelled an order that nobody made")?;
        let seen_before = |status: &str| {
            self.seen(order_id).any(|(when, seen)| when.before(span) && seen["status"] == status)
        };
        match (response.status, response.problem()) {
            (200, _) if response.body["status"] == "CANCELLED" && !seen_before("PAYMENT_FAILED") => Ok(()),
            // Not when the order was also cancelled: it has one end.
            (409, "order-not-cancellable")
                if order.can_fail()
                    && !order.cancelled
                    && response.body["order_status"] == "PAYMENT_FAILED" =>
            {
                Ok(())
            }
            _ => Err(unexpected(response)),
        }
    }

    /// What was seen of an order, and when.
    fn seen<'b>(&'b self, order_id: &'b str) -> impl Iterator<Item = (Span, &'b Value)> {
        self.trace.iter().filter_map(move |event| {
            let (Operation::Order { response: Some(response), .. }
            | Operation::Cancel { response, .. }
            | Operation::ReadOrder { response, .. }) = &event.operation
            else {
                return None;
            };
            Some((event.span, response.order().filter(|order| order["order_id"] == order_id)?))
        })
    }

    /// An order is made once: where each request gets its response, exactly one says so.
    fn check_once(&self, order: &Order<'_>) -> Result<(), String> {
        let Some(id) = order.id else { return Ok(()) };
        let made = self.trace.iter().filter(|event| match &event.operation {
            Operation::Order { response: Some(response), .. } => {
                response.status == 201 && response.body["order_id"] == id
            }
            _ => false,
        });
        let made = made.count();
        if made > 1 || (self.undisturbed && made == 0) {
            return Err(format!("order {id} was made {made} times"));
        }
        Ok(())
    }

    /// Whatever was seen of an order is what was requested, at one price, and what was seen later only adds to its history.
    fn check_course(&self, order: &Order<'_>, product: &impl Fn(usize) -> String) -> Result<(), String> {
        let Some(id) = order.id else { return Ok(()) };
        let seen: Vec<_> = self.seen(id).collect();
        for (when, shown) in &seen {
            self.check_lines(order, shown, product)
                .map_err(|why| format!("it is not what was ordered ({}), {why}: {shown}", order.requested))?;
            if (&shown["items"], &shown["total"]) != (&seen[0].1["items"], &seen[0].1["total"]) {
                return Err(format!("it was {}, and is {shown}", seen[0].1));
            }
            let history = |shown: &Value| shown["history"].as_array().cloned().unwrap_or_default();
            let now = history(shown);
            let gone = seen
                .iter()
                .find(|(before, earlier)| before.before(when) && !now.starts_with(&history(earlier)));
            if let Some((_, earlier)) = gone {
                return Err(format!("its past changed from {earlier} to {shown}"));
            }
        }
        Ok(())
    }

    /// The quantities are those requested, at prices that the products had, and the total is their sum.
    fn check_lines(
        &self,
        order: &Order<'_>,
        shown: &Value,
        product: &impl Fn(usize) -> String,
    ) -> Result<(), String> {
        let (made, mut total, mut pieces) = (order.made_in(self.trace), 0, [0; 3]);
        for line in shown["items"].as_array().into_iter().flatten() {
            let number = number_of(line, product).ok_or("a product that nobody asked for")?;
            let (quantity, price) = (line["quantity"].as_i64().unwrap_or(-1), amount(&line["unit_price"]));
            let prices = self.prices(number, &made);
            if !prices.contains(&price) {
                return Err(format!("product {number} can have cost {prices:?}"));
            }
            pieces[number] += quantity;
            total += quantity * price;
        }
        if pieces == order.requested.pieces && amount(&shown["total"]) == total {
            Ok(())
        } else {
            Err(format!("these are {pieces:?}, which cost {total}"))
        }
    }
}

/// Which of a history's products a line is about.
fn number_of(line: &Value, product: &impl Fn(usize) -> String) -> Option<usize> {
    (0..3).find(|number| line["product_id"] == product(*number).as_str())
}

fn amount(money: &Value) -> i64 {
    money["amount"].as_i64().unwrap_or(-1)
}

fn unexpected(response: &RecordedResponse) -> String {
    format!("an answer that is not allowed here: {response:?}")
}
