//! Stripe, or a server with the same API: <https://docs.stripe.com/api/payment_intents>.
//!
//! An order has one payment intent, created with the order's id as `Idempotency-Key`; charging confirms it. So a charge
//! takes two calls, on purpose: a cancelled intent cannot be confirmed, so a delayed charge has no effect once the intent
//! is voided. (With one call that creates and confirms, there would be no intent to cancel yet.)
//!
//! Stripe keeps keys for at least 24 hours, so only creating relies on one: what follows names the intent.

mod response;
mod verdict;

use lambda_kit::{
    Error, RotatedSecret, Secret,
    http_client::{HttpClient, HttpResponse},
};
use orders::OrderId;

pub use self::verdict::{charged, created, refunded, voided};
use crate::provider::{Charge, Charged, Created, PaymentProvider, Refunded, Voided};

/// The URL of Stripe's API.
pub const STRIPE_URL: &str = "https://api.stripe.com";
/// The API version that this code is written for. Without it, Stripe would use the default of the account.
const VERSION: &str = "2024-06-20";
const PROVIDER: &str = "the payment provider";

/// A client of Stripe's API.
#[derive(Clone, Debug)]
pub struct Stripe {
    http: HttpClient,
    key: RotatedSecret,
}

impl Stripe {
    /// A client of the API at `url`, for the account of `key`.
    #[must_use]
    pub fn new(url: &str, key: RotatedSecret) -> Self {
        Self { http: HttpClient::new(PROVIDER, url), key }
    }

    /// Sends a request.
    ///
    /// Under an idempotency key, Stripe brings back its first response for 24 hours, a failure too. That is no verdict and
    /// would never become one, so the request is made once more without the key. The state of the intent sees to it that
    /// nothing happens twice.
    async fn post(
        &self,
        path: &str,
        idempotency_key: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<HttpResponse, Error> {
        let response = self.post_authorized(path, idempotency_key, form).await?;
        let replayed = response.header("idempotent-replayed") == Some("true");
        if response.status < 500 || !replayed {
            return Ok(response);
        }
        self.post_authorized(path, None, form).await
    }

    /// Sends a request; once more if there is another key than the one that is not accepted.
    async fn post_authorized(
        &self,
        path: &str,
        idempotency_key: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<HttpResponse, Error> {
        let key = self.key.current();
        let response = self.post_with(&key, path, idempotency_key, form).await?;
        if response.status != 401 {
            return Ok(response);
        }
        match self.key.instead_of(&key).await {
            Ok(Some(key)) => self.post_with(&key, path, idempotency_key, form).await,
            Ok(None) => Ok(response),
            Err(error) => {
                tracing::warn!(%error, "the key is not accepted, and cannot be read again");
                Ok(response)
            }
        }
    }

    async fn post_with(
        &self,
        key: &Secret,
        path: &str,
        idempotency_key: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<HttpResponse, Error> {
        let authorization = format!("Bearer {}", key.expose());
        let mut headers = vec![
            ("authorization", authorization.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("stripe-version", VERSION),
        ];
        headers.extend(idempotency_key.map(|key| ("idempotency-key", key)));
        self.http.post(path, &headers, encoded(form)).await
    }
}

impl PaymentProvider for Stripe {
    async fn create(&self, charge: &Charge<'_>) -> Result<Created, Error> {
        let order_id = charge.order_id.to_string();
        let (amount, currency) = (charge.amount.amount().to_string(), charge.amount.currency());
        let currency = currency.as_str().to_lowercase();
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", currency.as_str()),
            ("payment_method_types[]", "card"),
            ("metadata[order_id]", order_id.as_str()),
        ];
        if charge.token.starts_with("pm_") {
            form.push(("payment_method", charge.token));
        } else {
            form.extend([
                ("payment_method_data[type]", "card"),
                ("payment_method_data[card][token]", charge.token),
            ]);
        }
        created(&self.post("/v1/payment_intents", Some(&order_id), &form).await?)
    }

    async fn confirm(&self, order_id: OrderId, intent: &str) -> Result<Charged, Error> {
        let key = format!("{order_id}-confirm");
        // No customer is present to authenticate: a card that requires it is declined.
        let form = [("error_on_requires_action", "true")];
        charged(&self.post(&format!("/v1/payment_intents/{intent}/confirm"), Some(&key), &form).await?)
    }

    async fn void(&self, intent: &str) -> Result<Voided, Error> {
        // Without a key: cancelling is idempotent, and the stored response for a key could be out of date.
        voided(&self.post(&format!("/v1/payment_intents/{intent}/cancel"), None, &[]).await?)
    }

    async fn refund(&self, order_id: OrderId, intent: &str) -> Result<Refunded, Error> {
        let key = format!("{order_id}-refund");
        refunded(&self.post("/v1/refunds", Some(&key), &[("payment_intent", intent)]).await?, intent)
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
