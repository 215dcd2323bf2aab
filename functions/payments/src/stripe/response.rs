//! Stripe's responses, and which of them are no verdict: <https://docs.stripe.com/api/errors>.

use std::time::Duration;

use lambda_kit::{Error, http_client::HttpResponse, json};
use serde::{Deserialize, de::DeserializeOwned};

use super::PROVIDER;

/// The members of a payment intent that the shop reads.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) status: IntentStatus,
    /// Why the last charge was declined.
    last_payment_error: Option<PaymentError>,
}

#[derive(Debug, Deserialize)]
struct PaymentError {
    code: Option<String>,
    decline_code: Option<String>,
}

/// <https://docs.stripe.com/payments/paymentintents/lifecycle>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IntentStatus {
    Succeeded,
    Canceled,
    Processing,
    /// Any status in which it is not charged yet and may be charged.
    #[serde(other)]
    Open,
}

/// The members of a refund that the shop reads.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) status: RefundStatus,
}

/// <https://docs.stripe.com/api/refunds/object#refund_object-status>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefundStatus {
    Succeeded,
    Pending,
    RequiresAction,
    Failed,
    Canceled,
}

impl RefundStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// An error of Stripe's that is a verdict: the same request would get it again.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    r#type: ErrorType,
    code: Option<String>,
    decline_code: Option<String>,
    payment_intent: Option<Intent>,
}

/// <https://docs.stripe.com/api/errors#errors-type>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum ErrorType {
    #[serde(rename = "api_error")]
    Api,
    #[serde(rename = "card_error")]
    Card,
    #[serde(rename = "idempotency_error")]
    Idempotency,
    #[serde(rename = "invalid_request_error")]
    InvalidRequest,
}

#[derive(Deserialize)]
struct Body {
    error: Refusal,
}

impl Refusal {
    pub(super) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// The status of the intent that does not allow the request.
    pub(super) fn state(&self) -> Option<IntentStatus> {
        let unexpected = self.is("payment_intent_unexpected_state");
        self.payment_intent.as_ref().filter(|_| unexpected).map(|intent| intent.status)
    }

    /// Stripe's word for it: the bank's code, unless that is the generic one, else the error's code. If the intent was
    /// declined before, it is the word of that decline.
    pub(super) fn reason(self) -> String {
        let generic = if self.r#type == ErrorType::Card { "card_declined" } else { "invalid_request" };
        let before = self.payment_intent.and_then(|intent| intent.last_payment_error);
        let before = before.and_then(|error| word(error.decline_code, error.code));
        word(self.decline_code, None)
            .or(before)
            .or_else(|| word(None, self.code))
            .unwrap_or_else(|| generic.to_owned())
    }
}

fn word(bank: Option<String>, code: Option<String>) -> Option<String> {
    let bank = bank.filter(|word| word != "generic_decline");
    [bank, code].into_iter().flatten().find(|word| !word.is_empty())
}

/// Reads a response: the requested object, or Stripe's refusal of the request.
///
/// # Errors
/// When the response is no verdict. [`Error::Unavailable`] for 409 (the same request is in progress), 424, 429, 5xx and
/// whatever else Stripe calls its own error: the outcome is unknown. [`Error::Internal`] for 401 and 403 (the key is
/// wrong), for a key that was used for another request, and for a response that is not Stripe's.
pub(super) fn read<T: DeserializeOwned>(response: &HttpResponse) -> Result<Result<T, Refusal>, Error> {
    let unreadable = |error| Error::unreadable("the payment provider's response", error);
    let unavailable = |why: String| Error::unavailable(PROVIDER, why).with_retry_after(retry_after(response));
    match response.status {
        200..=299 => json::from_slice(&response.body).map(Ok).map_err(unreadable),
        status @ (409 | 424 | 429 | 500..) => Err(unavailable(format!("status {status}"))),
        status @ (401 | 403) => {
            Err(Error::Internal(format!("{PROVIDER} does not accept our key: status {status}")))
        }
        status @ (400 | 402 | 404) => {
            let Body { error } = json::from_slice(&response.body).map_err(unreadable)?;
            match error.r#type {
                ErrorType::Card | ErrorType::InvalidRequest => Ok(Err(error)),
                ErrorType::Api => Err(unavailable(format!("status {status}, an error of its own"))),
                ErrorType::Idempotency => {
                    Err(Error::Internal(format!("{PROVIDER} has another request under this idempotency key")))
                }
            }
        }
        status => Err(Error::Internal(format!("{PROVIDER} answers with the status {status}"))),
    }
}

/// The time that Stripe asks for; a second if it only says that there are too many requests. A lock on one intent
/// (`lock_timeout`, 429 as well) concerns no other.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let locked = || {
        let body = json::from_slice::<Body>(&response.body);
        body.is_ok_and(|body| body.error.is("lock_timeout"))
    };
    match response.retry_after() {
        None if response.status == 429 && !locked() => Some(Duration::from_secs(1)),
        asked => asked,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn response(status: u16, body: &Value) -> Result<Result<Intent, Refusal>, Error> {
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        read(&HttpResponse { status, headers, body: body.to_string().into_bytes() })
    }

    #[test]
    fn an_unknown_outcome_is_unavailable_and_a_wrong_key_is_our_fault() {
        let body = json!({"error": {"type": "api_error", "message": "sorry"}});
        for status in [400, 409, 424, 429, 500, 502, 503, 504] {
            let error = response(status, &body).unwrap_err();
            assert!(matches!(error, Error::Unavailable { .. }), "{status}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{status}");
        }
        for status in [401, 403] {
            assert!(matches!(response(status, &body), Err(Error::Internal(_))), "{status}");
        }
        let other = json!({"error": {"type": "idempotency_error"}});
        assert!(matches!(response(400, &other), Err(Error::Internal(_))), "our key, another request");
    }

    #[test]
    fn too_many_requests_are_a_reason_to_wait_and_a_locked_intent_is_none() {
        let asked = |body: &str| {
            let response = HttpResponse { status: 429, headers: Vec::new(), body: body.as_bytes().to_vec() };
            read::<Intent>(&response).unwrap_err().retry_after()
        };
        assert_eq!(asked("<html>"), Some(Duration::from_secs(1)));
        let error = |code| json!({"error": {"type": "invalid_request_error", "code": code}}).to_string();
        assert_eq!(asked(&error("rate_limit")), Some(Duration::from_secs(1)));
        assert_eq!(asked(&error("lock_timeout")), None);
    }

    #[test]
    fn what_is_not_stripes_is_no_verdict() {
        let unknown = json!({"error": {"type": "bad_gateway", "code": "resource_missing"}});
        let none = json!({"error": {"code": "resource_missing"}});
        for body in [&unknown, &none, &json!("<html>"), &json!({"message": "Forbidden"})] {
            for status in [400, 402, 404] {
                assert!(matches!(response(status, body), Err(Error::Internal(_))), "{status} {body}");
            }
        }
        let refusal = json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}});
        for status in [301, 405, 413] {
            assert!(matches!(response(status, &refusal), Err(Error::Internal(_))), "{status}");
        }
        assert!(response(404, &refusal).unwrap().is_err(), "Stripe's own refusal is a verdict");
    }

    #[test]
    fn a_refusal_has_the_banks_word_or_stripes() {
        let reason = |error: Value| response(402, &json!({"error": error})).unwrap().unwrap_err().reason();
        let card = |code, word| json!({"type": "card_error", "code": code, "decline_code": word});
        assert_eq!(reason(card("card_declined", "stolen_card")), "stolen_card");
        assert_eq!(reason(card("card_declined", "generic_decline")), "card_declined");
        assert_eq!(reason(json!({"type": "card_error", "code": "expired_card"})), "expired_card");
        assert_eq!(reason(json!({"type": "card_error"})), "card_declined");
        let invalid = json!({"type": "invalid_request_error", "code": "amount_too_large"});
        assert_eq!(reason(invalid), "amount_too_large");
        assert_eq!(reason(json!({"type": "invalid_request_error"})), "invalid_request");
        let before = json!({"type": "invalid_request_error", "code": "payment_intent_unexpected_state",
            "payment_intent": {"id": "pi_1", "status": "requires_payment_method",
                "last_payment_error": {"code": "card_declined", "decline_code": "stolen_card"}}});
        assert_eq!(reason(before), "stolen_card", "that of the decline before");
    }
}
