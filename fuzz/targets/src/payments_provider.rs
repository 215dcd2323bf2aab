//! What the payment provider answers: money counts as moved only if the answer says so.

use lambda_kit::{Error, http_client::HttpResponse};
use payments::{Charged, Refunded, cancelled, charged, refunded};
use serde_json::Value;

/// A response of the provider: a line with its status, and its body.
pub(crate) fn reply(bytes: &[u8]) {
    let Some((status, body)) = super::lines(bytes) else { return };
    if let Some(status) = std::str::from_utf8(status).ok().and_then(|status| status.parse().ok()) {
        check(&HttpResponse { status, body: body.to_vec() });
    }
}

fn check(response: &HttpResponse) {
    let intent = || "pi_1".to_owned();
    let (charge, cancellation, refund) =
        (charged(response, intent()), cancelled(response), refunded(response, intent()));
    if matches!(response.status, 409 | 424 | 429 | 500..) {
        let open = |result: Option<Error>| matches!(result, Some(Error::Unavailable { .. }));
        assert!(open(charge.err()) && open(cancellation.err()) && open(refund.err()), "{response:?}");
        return;
    }
    // In parts of an answer that nobody reads, serde is less strict than here: an escape that is none, for instance.
    let Ok(body) = serde_json::from_slice::<Value>(&response.body) else { return };
    let succeeded = matches!(response.status, 200..=299);
    // An intent that had this state before is inside the error.
    let state = |name: &str| {
        body["status"] == name && succeeded
            || body["error"]["payment_intent"]["status"] == name
                && body["error"]["code"] == "payment_intent_unexpected_state"
    };
    match charge {
        Ok(Charged::Captured { reference }) => {
            assert!(state("succeeded"), "{body}");
            assert_eq!(reference, "pi_1");
        }
        Ok(Charged::Declined { reason }) => {
            assert!(!succeeded && (state("canceled") || body["error"]["type"] == "card_error"), "{body}");
            assert!(!reason.is_empty(), "a decline has a reason: {body}");
        }
        Err(_) => {}
    }
    match cancellation {
        Ok(true) => assert!(succeeded || state("canceled"), "{body}"),
        Ok(false) => assert!(state("succeeded"), "{body}"),
        Err(_) => {}
    }
    if let Ok(Refunded::GivenBack { .. }) = refund {
        let stands = ["succeeded", "pending"].iter().any(|status| body["status"] == *status);
        assert!(succeeded && stands || body["error"]["code"] == "charge_already_refunded", "{body}");
    }
}
