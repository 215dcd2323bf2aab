//! Stripe's responses, and which of them are retried: <https://docs.stripe.com/api/errors>.

use lambda_kit::{Error, http_client::HttpResponse};
use serde::{Deserialize, de::DeserializeOwned};

use super::PROVIDER;

/// The members of a payment intent that the shop reads.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) status: IntentStatus,
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
    status: String,
}

impl Refund {
    /// Whether the money is refunded or will be.
    pub(super) fn is_effective(&self) -> bool {
        matches!(self.status.as_str(), "succeeded" | "pending")
    }
}

/// An error of Stripe's that says what happened.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    #[serde(default)]
    r#type: String,
    code: Option<String>,
    decline_code: Option<String>,
    payment_intent: Option<Intent>,
}

#[derive(Deserialize)]
struct Body {
    error: Failure,
}

impl Failure {
    pub(super) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// The status of the intent that does not allow the request.
    pub(super) fn state(&self) -> Option<IntentStatus> {
        let unexpected = self.is("payment_intent_unexpected_state");
        self.payment_intent.as_ref().filter(|_| unexpected).map(|intent| intent.status)
    }

    /// Why the card is declined: the bank's code, unless it is the generic one.
    pub(super) fn decline(&self) -> Option<&str> {
        if self.r#type != "card_error" {
            return None;
        }
        let code = self.decline_code.as_deref().filter(|code| *code != "generic_decline");
        code.or(self.code.as_deref()).or(Some("card_declined"))
    }

    /// The error for a refusal that the shop does not expect. A retry would not help.
    pub(super) fn unexpected(self) -> Error {
        let Self { r#type, code, .. } = self;
        Error::Internal(format!("{PROVIDER} refused: {type} {}", code.unwrap_or_default()))
    }
}

/// Reads a response: the requested object, or Stripe's decision against the request.
///
/// # Errors
/// [`Error::Unavailable`] for 409 (the same request is in progress), 424, 429 and 5xx: the outcome is unknown, retry.
/// [`Error::Internal`] for 401 and 403 (the key is wrong), and for a response that is not Stripe's.
pub(super) fn read<T: DeserializeOwned>(response: &HttpResponse) -> Result<Result<T, Failure>, Error> {
    let unreadable = |error| Error::unreadable("the payment provider's response", error);
    match response.status {
        200..=299 => serde_json::from_slice(&response.body).map(Ok).map_err(unreadable),
        status @ (409 | 424 | 429 | 500..) => Err(Error::unavailable(PROVIDER, format!("status {status}"))),
        status @ (401 | 403) => {
            Err(Error::Internal(format!("{PROVIDER} does not accept our key: status {status}")))
        }
        _ => serde_json::from_slice::<Body>(&response.body).map(|body| Err(body.error)).map_err(unreadable),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn response(status: u16, body: &Value) -> Result<Result<Intent, Failure>, Error> {
        read(&HttpResponse { status, body: body.to_string().into_bytes() })
    }

    #[test]
    fn an_unknown_outcome_is_unavailable_and_a_wrong_key_is_our_fault() {
        let body = json!({"error": {"type": "api_error", "message": "sorry"}});
        for status in [409, 424, 429, 500, 502, 503, 504] {
            assert!(matches!(response(status, &body), Err(Error::Unavailable { .. })), "{status}");
        }
        for status in [401, 403] {
            assert!(matches!(response(status, &body), Err(Error::Internal(_))), "{status}");
        }
        let html = HttpResponse { status: 400, body: b"<html>".to_vec() };
        assert!(matches!(read::<Intent>(&html), Err(Error::Internal(_))), "not Stripe's");
    }

    #[test]
    fn a_decline_has_the_banks_code() {
        let decline = |error: Value| {
            let failure = response(402, &json!({"error": error})).unwrap().unwrap_err();
            failure.decline().map(str::to_owned)
        };
        let card = |code, word| json!({"type": "card_error", "code": code, "decline_code": word});
        assert_eq!(
            decline(card("card_declined", "insufficient_funds")).as_deref(),
            Some("insufficient_funds")
        );
        assert_eq!(decline(card("card_declined", "generic_decline")).as_deref(), Some("card_declined"));
        assert_eq!(
            decline(json!({"type": "card_error", "code": "expired_card"})).as_deref(),
            Some("expired_card")
        );
        assert_eq!(decline(json!({"type": "invalid_request_error", "code": "parameter_missing"})), None);
    }
}
