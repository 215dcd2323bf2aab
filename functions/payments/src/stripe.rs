//! Stripe, or a server with the same API: <https://docs.stripe.com/api/payment_intents>.
//!
//! An order has one payment intent, created with the order's id as `Idempotency-Key`; charging confirms it. So a charge
//! takes two calls, on purpose: a refund gets the same intent by creating it again with the same key, whether or not a
//! charge got that far, and cancels it. A cancelled intent cannot be confirmed, so a delayed charge has no effect. (With one
//! call that creates and confirms, there would be no intent to cancel yet.)
//!
//! Stripe keeps keys for at least 24 hours. A charge that was settled is found by its reference instead, however old it is.

mod response;

use lambda_kit::{
    Error, Secret,
    http_client::{HttpClient, HttpResponse},
};

use self::response::{Failure, Intent, IntentStatus, Refund, read};
use crate::provider::{Charge, Charged, PaymentProvider, Refunded, VOIDED};

/// The URL of Stripe's API.
pub const STRIPE_URL: &str = "https://api.stripe.com";
/// The API version that this code is written for. Without it, Stripe would use the default of the account.
const VERSION: &str = "2024-06-20";
const PROVIDER: &str = "the payment provider";

/// A client of Stripe's API.
#[derive(Clone, Debug)]
pub struct Stripe {
    http: HttpClient,
    key: Secret,
}

impl Stripe {
    /// A client of the API at `url`, for the account of `key`.
    #[must_use]
    pub fn new(url: &str, key: Secret) -> Self {
        Self { http: HttpClient::new(PROVIDER, url), key }
    }

    async fn post(
        &self,
        path: &str,
        idempotency_key: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<HttpResponse, Error> {
        let authorization = format!("Bearer {}", self.key.expose());
        let mut headers = vec![
            ("authorization", authorization.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("stripe-version", VERSION),
        ];
        headers.extend(idempotency_key.map(|key| ("idempotency-key", key)));
        self.http.post(path, &headers, encoded(form)).await
    }

    /// The order's payment intent, created now or before. Its status is the one at its creation.
    async fn intent(&self, charge: &Charge<'_>) -> Result<Intent, Error> {
        let order_id = charge.order_id.to_string();
        let form = [
            ("amount", &*charge.amount.amount().to_string()),
            ("currency", &*charge.amount.currency().as_str().to_lowercase()),
            ("payment_method_types[]", "card"),
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][token]", charge.token),
            ("metadata[order_id]", &*order_id),
        ];
        read(&self.post("/v1/payment_intents", Some(&order_id), &form).await?)?.map_err(Failure::unexpected)
    }

    /// Cancels an intent, so that it cannot be charged any more. Returns false when it was charged before.
    async fn cancel(&self, intent: &str) -> Result<bool, Error> {
        // Without a key: cancelling is idempotent, and the stored response for a key could be out of date.
        cancelled(&self.post(&format!("/v1/payment_intents/{intent}/cancel"), None, &[]).await?)
    }
}

impl PaymentProvider for Stripe {
    async fn charge(&self, charge: &Charge<'_>) -> Result<Charged, Error> {
        let Intent { id, .. } = self.intent(charge).await?;
        let key = format!("{}-confirm", charge.order_id);
        // No customer is present to authenticate: a card that requires it is declined.
        let form = [("error_on_requires_action", "true")];
        let response = self.post(&format!("/v1/payment_intents/{id}/confirm"), Some(&key), &form).await?;
        charged(&response, id)
    }

    async fn refund(&self, charge: &Charge<'_>, reference: Option<&str>) -> Result<Refunded, Error> {
        let intent = match reference {
            Some(reference) => reference.to_owned(),
            None => {
                let Intent { id, .. } = self.intent(charge).await?;
                if self.cancel(&id).await? {
                    return Ok(Refunded::NotCharged);
                }
                id
            }
        };
        let key = format!("{}-refund", charge.order_id);
        let response = self.post("/v1/refunds", Some(&key), &[("payment_intent", &intent)]).await?;
        refunded(&response, intent)
    }
}

/// Reads the response to a cancellation: whether the intent is cancelled and cannot be charged any more.
///
/// # Errors
/// When the outcome is unknown, or the response is not one of Stripe's.
pub fn cancelled(response: &HttpResponse) -> Result<bool, Error> {
    match read::<Intent>(response)? {
        Ok(_) => Ok(true),
        Err(failure) => match failure.state() {
            Some(IntentStatus::Canceled) => Ok(true),
            Some(IntentStatus::Succeeded) => Ok(false),
            Some(IntentStatus::Processing) => Err(Error::unavailable(PROVIDER, "a charge is in progress")),
            _ => Err(failure.unexpected()),
        },
    }
}

/// Reads the response to the confirmation of an intent.
///
/// # Errors
/// When the outcome is unknown, or the response is not one of Stripe's.
pub fn charged(response: &HttpResponse, intent: String) -> Result<Charged, Error> {
    match read::<Intent>(response)? {
        Ok(Intent { status: IntentStatus::Succeeded, .. }) => Ok(Charged::Captured { reference: intent }),
        Ok(Intent { status: IntentStatus::Processing, .. }) => {
            Err(Error::unavailable(PROVIDER, "the charge is in progress"))
        }
        Ok(intent) => Err(Error::Internal(format!("{PROVIDER} left a charge {:?}", intent.status))),
        Err(failure) => match (failure.state(), failure.decline()) {
            (Some(IntentStatus::Canceled), _) => Ok(Charged::Declined { reason: VOIDED.to_owned() }),
            (Some(IntentStatus::Succeeded), _) => Ok(Charged::Captured { reference: intent }),
            (_, Some(reason)) => Ok(Charged::Declined { reason: reason.to_owned() }),
            _ => Err(failure.unexpected()),
        },
    }
}

/// Reads the response to the refund of an intent.
///
/// # Errors
/// When the outcome is unknown, or the refund is refused.
pub fn refunded(response: &HttpResponse, intent: String) -> Result<Refunded, Error> {
    match read::<Refund>(response)? {
        Ok(refund) if refund.is_effective() => Ok(Refunded::GivenBack { reference: refund.id }),
        Ok(refund) => Err(Error::Internal(format!("{PROVIDER} could not make the refund {}", refund.id))),
        // The key has expired at Stripe. The refund can be found by the intent.
        Err(failure) if failure.is("charge_already_refunded") => {
            Ok(Refunded::GivenBack { reference: intent })
        }
        Err(failure) => Err(failure.unexpected()),
    }
}

/// The form encoding that Stripe reads.
fn encoded(form: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let fields: Vec<_> =
        form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    fields.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded() {
        let form = [("metadata[order_id]", "a-b"), ("amount", "1299"), ("x", "a&b=c d")];
        assert_eq!(encoded(&form), "metadata%5Border%5Fid%5D=a%2Db&amount=1299&x=a%26b%3Dc%20d");
    }
}
