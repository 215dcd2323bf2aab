//! What the payment provider answers: money counts as moved only if the answer says so.

use lambda_kit::{Error, http_client::HttpResponse};
use payments::{Charged, Created, Refunded, Voided, charged, created, refunded, voided};
use serde_json::Value;

/// A response of the provider: a line with its status, and its body.
pub(crate) fn reply(bytes: &[u8]) {
    let Some((status, body)) = super::lines(bytes) else { return };
    if let Some(status) = std::str::from_utf8(status).ok().and_then(|status| status.parse().ok()) {
        check(&HttpResponse { status, headers: Vec::new(), body: body.to_vec() });
    }
}

fn check(response: &HttpResponse) {
    let (creation, charge) = (created(response), charged(response));
    let (cancellation, refund) = (voided(response), refunded(response, "pi_1"));
    let errors =
        [creation.as_ref().err(), charge.as_ref().err(), cancellation.as_ref().err(), refund.as_ref().err()];
    if matches!(response.status, 409 | 424 | 429 | 500..) {
        assert!(errors.iter().all(|error| matches!(error, Some(Error::Unavailable { .. }))), "{response:?}");
        return;
    }
    if matches!(response.status, 401 | 403) {
        assert!(errors.iter().all(|error| matches!(error, Some(Error::Internal(_)))), "{response:?}");
        return;
    }
    // In parts of an answer that nobody reads, serde is less strict than here: an escape that is none, for instance.
    let Ok(body) = serde_json::from_slice::<Value>(&response.body) else { return };
    let succeeded = matches!(response.status, 200..=299);
    // A refusal is final, so it must be Stripe's own.
    let refused = matches!(response.status, 400 | 402 | 404)
        && ["card_error", "invalid_request_error"].iter().any(|kind| body["error"]["type"] == *kind);
    // An intent that had this state before is inside the error.
    let state = |name: &str| {
        body["status"] == name && succeeded
            || refused
                && body["error"]["payment_intent"]["status"] == name
                && body["error"]["code"] == "payment_intent_unexpected_state"
    };
    match creation {
        Ok(Created::Intent(id)) => assert!(succeeded && body["id"] == *id, "{body}"),
        Ok(Created::Refused { reason }) => assert!(refused && !reason.is_empty(), "{body}"),
        Err(_) => {}
    }
    match charge {
        Ok(Charged::Captured) => assert!(state("succeeded"), "{body}"),
        Ok(Charged::Declined { reason }) => {
            assert!(refused && !reason.is_empty(), "a decline has a reason: {body}");
            assert!(!state("succeeded") && !state("processing"), "{body}");
        }
        Err(_) => {}
    }
    match cancellation {
        Ok(Voided::NotCharged) => assert!(state("canceled"), "{body}"),
        Ok(Voided::Captured) => assert!(state("succeeded"), "{body}"),
        Ok(Voided::Refused { reason }) => assert!(refused && !reason.is_empty(), "{body}"),
        Err(_) => {}
    }
    let stands = ["succeeded", "pending"].iter().any(|status| body["status"] == *status);
    match refund {
        Ok(Refunded::GivenBack { .. }) => {
            let before = refused && body["error"]["code"] == "charge_already_refunded";
            assert!(succeeded && stands || before, "{body}");
        }
        Ok(Refunded::Refused { reason }) => {
            assert!(!reason.is_empty() && (refused || succeeded && !stands), "{body}");
        }
        Err(_) => {}
    }
}
