//! Stripe, or whatever speaks its API: <https://docs.stripe.com/api/payment_intents>.
//!
//! An order has one payment intent, made under the order's id as `Idempotency-Key`; charging confirms it. So a charge
//! is two calls, and that is on purpose: a refund finds the same intent by making it again under the same key, whether
//! or not a charge got that far, and cancels it. A cancelled intent cannot be confirmed, so a charge that is held up on
//! its way comes to nothing. (With one call that makes and confirms, there would be no intent to cancel yet.)
//!
//! Stripe keeps keys for at least 24 hours. A charge that was settled is found by its name instead, however old it is.

mod reply;

use lambda_kit::{
    Error, Secret,
    http_client::{HttpClient, HttpResponse},
};

use self::reply::{Failure, Intent, IntentStatus, Refund, read};
use crate::provider::{Charge, Charged, PaymentProvider, Refunded, VOIDED};

/// Where Stripe is.
pub const STRIPE_URL: &str = "https://api.stripe.com";
/// The version of the API that this is written for. Without it, an account's own default would decide.
const VERSION: &str = "2024-06-20";
const PROVIDER: &str = "the payment provider";

/// A provider that speaks Stripe's API.
#[derive(Clone, Debug)]
pub struct Stripe {
    http: HttpClient,
    key: Secret,
}

impl Stripe {
    /// The provider at `url`, as the account that `key` belongs to.
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

    /// The order's payment intent, made now or before. What it tells of its state is as of when it was made.
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

    /// Sees to it that an intent is not charged any more; false when it has been charged.
    async fn cancel(&self, intent: &str) -> Result<bool, Error> {
        // Without a key: cancelling is idempotent, and an answer that is remembered could be out of date.
        cancelled(&self.post(&format!("/v1/payment_intents/{intent}/cancel"), None, &[]).await?)
    }
}

impl PaymentProvider for Stripe {
    async fn charge(&self, charge: &Charge<'_>) -> Result<Charged, Error> {
        let Intent { id, .. } = self.intent(charge).await?;
        let key = format!("{}-confirm", charge.order_id);
        // Nobody is there to answer a bank's question: a card that asks one is declined.
        let form = [("error_on_requires_action", "true")];
        let reply = self.post(&format!("/v1/payment_intents/{id}/confirm"), Some(&key), &form).await?;
        charged(&reply, id)
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
        let reply = self.post("/v1/refunds", Some(&key), &[("payment_intent", &intent)]).await?;
        refunded(&reply, intent)
    }
}

/// Whether the answer to a cancellation says that the intent is not charged any more.
///
/// # Errors
/// When the outcome is open, or the answer is none that Stripe gives.
pub fn cancelled(reply: &HttpResponse) -> Result<bool, Error> {
    match read::<Intent>(reply)? {
        Ok(_) => Ok(true),
        Err(failure) => match failure.state() {
            Some(IntentStatus::Canceled) => Ok(true),
            Some(IntentStatus::Succeeded) => Ok(false),
            Some(IntentStatus::Processing) => Err(Error::unavailable(PROVIDER, "a charge is under way")),
            _ => Err(failure.unexpected()),
        },
    }
}

/// What the answer to the confirmation of an intent says.
///
/// # Errors
/// When the outcome is open, or the answer is none that Stripe gives.
pub fn charged(reply: &HttpResponse, intent: String) -> Result<Charged, Error> {
    match read::<Intent>(reply)? {
        Ok(Intent { status: IntentStatus::Succeeded, .. }) => Ok(Charged::Captured { reference: intent }),
        Ok(Intent { status: IntentStatus::Processing, .. }) => {
            Err(Error::unavailable(PROVIDER, "the charge is under way"))
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

/// What the answer to the refund of an intent says.
///
/// # Errors
/// When the outcome is open, or the refund is refused.
pub fn refunded(reply: &HttpResponse, intent: String) -> Result<Refunded, Error> {
    match read::<Refund>(reply)? {
        Ok(refund) if refund.stands() => Ok(Refunded::GivenBack { reference: refund.id }),
        Ok(refund) => Err(Error::Internal(format!("{PROVIDER} could not make the refund {}", refund.id))),
        // After the key was forgotten. The intent's name leads to its refund.
        Err(failure) if failure.is("charge_already_refunded") => {
            Ok(Refunded::GivenBack { reference: intent })
        }
        Err(failure) => Err(failure.unexpected()),
    }
}

/// A form as Stripe reads it.
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
