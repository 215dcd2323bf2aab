//! The shapes of Stripe's answers and errors: <https://docs.stripe.com/api/errors>.

use serde_json::{Value, json};

use crate::ledger::{Intent, Refusal, Status};

/// An answer in JSON.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(super) fn answer(result: Result<&Intent, Refusal>, shape: impl Fn(&Intent) -> Value) -> Answer {
    match result {
        Ok(intent) => Answer { status: 200, body: shape(intent) },
        Err(refusal) => refused(refusal),
    }
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Missing => error(
            404,
            "invalid_request_error",
            json!({"code": "resource_missing", "message": "No such payment_intent"}),
        ),
        Refusal::State(intent) => {
            let message = format!("This PaymentIntent has a status of {}.", name(intent.status));
            let body = json!({"code": "payment_intent_unexpected_state", "message": message,
                "payment_intent": shape(&intent)});
            error(400, "invalid_request_error", body)
        }
        Refusal::Declined(intent) => {
            let body = json!({"code": "card_declined", "decline_code": decline_code(&intent),
                "message": "Your card was declined.", "payment_intent": shape(&intent)});
            error(402, "card_error", body)
        }
        Refusal::Refunded => invalid("charge_already_refunded", "Charge has already been refunded."),
    }
}

/// Stripe has a general decline, for which `card_declined` is the only word.
fn decline_code(intent: &Intent) -> &str {
    match intent.decline_code.as_deref() {
        None | Some("card_declined") => "generic_decline",
        Some(code) => code,
    }
}

fn name(status: Status) -> Value {
    json!(status)
}

pub(super) fn shape(intent: &Intent) -> Value {
    json!({"id": intent.id, "object": "payment_intent", "amount": intent.amount, "currency": intent.currency,
        "status": intent.status, "latest_charge": intent.charge, "metadata": intent.metadata})
}

pub(super) fn refund(intent: &Intent) -> Value {
    json!({"id": intent.refund, "object": "refund", "amount": intent.amount, "currency": intent.currency,
        "payment_intent": intent.id, "charge": intent.charge, "status": "succeeded"})
}

pub(super) fn invalid(code: &str, message: &str) -> Answer {
    error(400, "invalid_request_error", json!({"code": code, "message": message}))
}

pub(super) fn error(status: u16, kind: &str, mut body: Value) -> Answer {
    body["type"] = kind.into();
    Answer { status, body: json!({"error": body}) }
}
