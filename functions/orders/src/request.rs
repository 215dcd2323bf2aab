//! The request of `POST /orders`, validated once: an [`OrderRequest`] is valid.

use std::fmt;

use catalog::{ProductId, Quantity};
use domain_primitives::{Problem, Violation};
use lambda_kit::http::Request;
use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected, Visitor},
};
use sha2::{Digest, Sha256};

use crate::{
    ids::{IdempotencyKey, OrderId, OrderIdSecret},
    limits::OrderLimits,
};

/// The maximum number of items of one request. With 50 offers and the order itself, a transaction stays below its limit of
/// 100 items.
const MAX_ITEMS: usize = 50;
/// RFC 5321, section 4.5.3.1: a path is at most 256 octets, its angle brackets included.
const MAX_EMAIL_LENGTH: usize = 254;
/// With its prefix, a payment method stays within the 255 characters of Stripe's ids.
const MAX_PAYMENT_METHOD_LENGTH: usize = 250;

/// A valid request for an order.
#[derive(Debug)]
pub struct OrderRequest {
    /// The order's id: a new one, or the one that customer and Idempotency-Key identify.
    pub order_id: OrderId,
    /// Whether the client sent an Idempotency-Key, so that the order may exist already.
    pub keyed: bool,
    /// One for each product.
    pub items: Vec<RequestedItem>,
    /// The customer's e-mail address.
    pub email: String,
    /// The token or payment method that the payment provider charges.
    pub payment_method: String,
    /// Digest of the items and the payment method.
    pub request_hash: String,
    /// Links the log lines of everything that the order causes.
    pub correlation_id: String,
}

/// A product that the client orders, with the sum of its quantities.
#[derive(Debug, PartialEq)]
pub struct RequestedItem {
    /// The product.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
    /// JSON Pointer to the product's first occurrence in the body.
    pub pointer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    items: Vec<BodyItem>,
    payment_method: String,
    customer: BodyCustomer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyItem {
    product_id: String,
    quantity: WholeNumber,
}

/// Any whole number, however large: whether it is a valid quantity is reported together with the other violations.
struct WholeNumber(i64);

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = WholeNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E>(self, number: i64) -> Result<WholeNumber, E> {
                Ok(WholeNumber(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<WholeNumber, E> {
                Ok(WholeNumber(i64::try_from(number).unwrap_or(i64::MAX)))
            }

            /// `2.0` and `1e2` are whole numbers: to JSON Schema, and to every language that has one type of numbers.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<WholeNumber, E> {
                if number.fract() == 0.0 {
                    Ok(WholeNumber(format!("{number:.0}").parse().unwrap_or(i64::MAX)))
                } else {
                    Err(E::invalid_type(Unexpected::Float(number), &self))
                }
            }
        }
        deserializer.deserialize_i64(Reader)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyCustomer {
    email: String,
}

impl OrderRequest {
    /// Reads the body and the Idempotency-Key, which gives the order's id together with the secret.
    ///
    /// # Errors
    /// 400 with every violation, of the limits, too; 413, 415.
    pub fn read(request: &Request, secret: &OrderIdSecret, limits: &OrderLimits) -> Result<Self, Problem> {
        let body: Body = request.json()?;
        let mut violations = Vec::new();
        let key = match request.header("idempotency-key")?.map(str::parse::<IdempotencyKey>).transpose() {
            Ok(key) => key,
            Err(error) => {
                violations.push(Violation::new("idempotency-key", error.to_string()));
                None
            }
        };
        let items = requested_items(&body.items, limits, &mut violations);
        if !is_email(&body.customer.email) {
            violations.push(Violation::new(
                "/customer/email",
                "must be an e-mail address of at most 254 characters",
            ));
        }
        if !is_payment_method(&body.payment_method) {
            let rule =
                "must be a payment token or method: tok_ or pm_ and 1 to 250 letters, digits and underscores";
            violations.push(Violation::new("/payment_method", rule));
        }
        if !violations.is_empty() {
            return Err(Problem::invalid(violations));
        }
        let email = body.customer.email;
        Ok(Self {
            order_id: key.as_ref().map_or_else(OrderId::new, |key| OrderId::for_key(secret, &email, key)),
            keyed: key.is_some(),
            request_hash: request_hash(&items, &body.payment_method),
            correlation_id: request.correlation_id().to_owned(),
            payment_method: body.payment_method,
            items,
            email,
        })
    }
}

/// Sums the quantities of each product, in the order of the products' first occurrences.
fn requested_items(
    body: &[BodyItem],
    limits: &OrderLimits,
    violations: &mut Vec<Violation>,
) -> Vec<RequestedItem> {
    if body.is_empty() || body.len() > MAX_ITEMS {
        violations.push(Violation::new("/items", format!("must hold 1 to {MAX_ITEMS} lines")));
        return Vec::new();
    }
    let mut items: Vec<RequestedItem> = Vec::with_capacity(body.len());
    for (index, requested) in body.iter().enumerate() {
        let pointer = |member| format!("/items/{index}/{member}");
        let product_id = requested.product_id.parse::<ProductId>();
        let quantity = quantity_within(limits, requested.quantity.0);
        if let Err(error) = &product_id {
            violations.push(Violation::new(pointer("product_id"), error.to_string()));
        }
        if quantity.is_none() {
            let rule = format!("must be a whole number from 1 to {}", largest_quantity(limits));
            violations.push(Violation::new(pointer("quantity"), rule));
        }
        let (Ok(product_id), Some(quantity)) = (product_id, quantity) else {
            continue;
        };
        match items.iter_mut().find(|item| item.product_id == product_id) {
            None => items.push(RequestedItem { product_id, quantity, pointer: pointer("product_id") }),
            Some(item) => {
                match quantity_within(limits, i64::from(item.quantity.get()) + i64::from(quantity.get())) {
                    Some(sum) => item.quantity = sum,
                    None => violations.push(Violation::new(
                        pointer("quantity"),
                        format!("the lines of one product must sum to at most {}", largest_quantity(limits)),
                    )),
                }
            }
        }
    }
    let pieces: u32 = items.iter().map(|item| item.quantity.get()).sum();
    if pieces > limits.pieces_per_order {
        let rule = format!("must hold at most {} pieces together, not {pieces}", limits.pieces_per_order);
        violations.push(Violation::new("/items", rule));
    }
    items
}

/// The largest quantity of one product that the limits and the type allow.
fn largest_quantity(limits: &OrderLimits) -> u32 {
    limits.pieces_per_line.min(Quantity::MAX)
}

fn quantity_within(limits: &OrderLimits, pieces: i64) -> Option<Quantity> {
    Quantity::try_from(pieces).ok().filter(|quantity| quantity.get() <= limits.pieces_per_line)
}

/// Checks only what every mail system requires: one @ with something on both sides, and no invisible characters.
fn is_email(text: &str) -> bool {
    let visible = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
    let parts = text
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    visible && parts && text.len() <= MAX_EMAIL_LENGTH
}

fn is_payment_method(text: &str) -> bool {
    let name = text.strip_prefix("tok_").or_else(|| text.strip_prefix("pm_"));
    name.is_some_and(|name| {
        (1..=MAX_PAYMENT_METHOD_LENGTH).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Digest of the request. The order and splitting of the items do not matter.
fn request_hash(items: &[RequestedItem], payment_method: &str) -> String {
    let mut lines: Vec<_> =
        items.iter().map(|item| format!("{}={}\n", item.product_id, item.quantity.get())).collect();
    lines.sort_unstable();
    let mut hasher = Sha256::new();
    for line in &lines {
        hasher.update(line);
    }
    hasher.update(payment_method);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
