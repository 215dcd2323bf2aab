//! The form of Stripe's responses and errors: <https://docs.stripe.com/api/errors>.

use serde_json::{Value, json};

use crate::ledger::{LedgerError, PaymentIntent};

/// A response with a JSON body.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// Seconds that the client should wait.
    pub(crate) retry_after: Option<u64>,
    /// Whether an idempotency key brought it back, with nothing done this time.
    pub(crate) replayed: bool,
}

impl Response {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, body, retry_after: None, replayed: false }
    }
}

/// The response to a request beyond the rate limit: <https://docs.stripe.com/rate-limits>.
pub(super) fn rate_limited() -> Response {
    let body = json!({"code": "rate_limit", "message": "Request rate limit exceeded."});
    Response { retry_after: Some(1), ..error(429, "invalid_request_error", body) }
}

pub(super) fn of_ledger(
    result: Result<&PaymentIntent, LedgerError>,
    body: impl Fn(&PaymentIntent) -> Value,
) -> Response {
    match result {
        Ok(intent) => Response::new(200, body(intent)),
        Err(error) => rejected(error),
    }
}

fn rejected(ledger_error: LedgerError) -> Response {
    match ledger_error {
        LedgerError::NotFound => error(
            404,
            "invalid_request_error",
            json!({"code": "resource_missing", "message": "No such payment_intent"}),
        ),
        LedgerError::UnexpectedStatus(intent) => {
            let message = format!("This PaymentIntent has a status of {}.", json!(intent.status));
            let body = json!({"code": "payment_intent_unexpected_state", "message": message,
                "payment_intent": payment_intent(&intent)});
            error(400, "invalid_request_error", body)
        }
        LedgerError::Declined(intent) => {
            let body = json!({"code": "card_declined", "decline_code": intent.decline_code,
                "message": "Your card was declined.", "payment_intent": payment_intent(&intent)});
            error(402, "card_error", body)
        }
        LedgerError::AlreadyRefunded => {
            invalid("charge_already_refunded", "Charge has already been refunded.")
        }
        LedgerError::Disputed => invalid("charge_disputed", "The charge is disputed; it cannot be refunded."),
    }
}

pub(super) fn payment_intent(intent: &PaymentIntent) -> Value {
    json!({"id": intent.id, "object": "payment_intent", "amount": intent.amount, "currency": intent.currency,
    "status": intent.status, "latest_charge": intent.charge, "metadata": intent.metadata,
    "last_payment_error": intent.decline_code.as_ref().map(|code| {
        json!({"type": "card_error", "code": "card_declined", "decline_code": code})
    })})
}

pub(super) fn refund(intent: &PaymentIntent) -> Value {
    json!({"id": intent.refund, "object": "refund", "amount": intent.amount, "currency": intent.currency,
        "payment_intent": intent.id, "charge": intent.charge, "status": "succeeded"})
}

pub(super) fn invalid(code: &str, message: &str) -> Response {
    error(400, "invalid_request_error", json!({"code": code, "message": message}))
}

pub(super) fn error(status: u16, kind: &str, mut body: Value) -> Response {
    body["type"] = kind.into();
    Response::new(status, json!({"error": body}))
}
