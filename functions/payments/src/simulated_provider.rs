//! A payment provider inside the function that moves no money. The demo deployment uses it, because no simulator runs there
//! (docs/decisions/0008). Its result depends on the token only, as with providers' test cards.
//!
//! It knows the payment methods of [`TestCard`], apart from `tok_late`.
//!
//! It keeps its own ledger, as a real provider does: a table with one item for each order. So a charge survives a crash of
//! the function that requested it, and tests can count charges and refunds. Creating an intent writes nothing: the intent's
//! id holds what confirming it needs.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::{UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue},
};
use lambda_kit::{
    Error,
    aws::Aws,
    config::{self, ConfigError},
};
use orders::OrderId;

use crate::{
    latency::Latency,
    provider::{Charge, Charged, Created, PaymentProvider, Refunded, VOIDED, Voided},
    test_cards::TestCard,
};

const PROVIDER: &str = "the payment provider";
const CAPTURED: &str = "captured";
const DECLINED: &str = "declined";
const REFUNDED: &str = "refunded";
/// The number of times that `tok_flaky` fails before it succeeds.
const FLAKY_FAILURES: u64 = 2;

/// The simulated provider and the table that is its ledger.
#[derive(Clone, Debug)]
pub struct SimulatedProvider {
    client: Client,
    ledger: String,
    latency: Latency,
    failure_rate: f64,
}

impl SimulatedProvider {
    /// The provider whose ledger `PROVIDER_LEDGER_TABLE` names, with `PAYMENT_LATENCY_MS` (default `50..200`) and
    /// `PAYMENT_FAILURE_RATE` (0 to 1, default 0).
    ///
    /// # Errors
    /// [`ConfigError`] for a missing table or an unreadable number.
    pub fn from_env(aws: &Aws) -> Result<Self, ConfigError> {
        let failure_rate: f64 = config::parsed("PAYMENT_FAILURE_RATE", 0.0)?;
        if !(0.0..=1.0).contains(&failure_rate) {
            return Err(ConfigError::Invalid {
                name: "PAYMENT_FAILURE_RATE".to_owned(),
                value: failure_rate.to_string(),
                why: "expected a number from 0 to 1".to_owned(),
            });
        }
        Ok(Self {
            client: aws.dynamodb(),
            ledger: config::required("PROVIDER_LEDGER_TABLE")?,
            latency: config::parsed("PAYMENT_LATENCY_MS", Latency::default())?,
            failure_rate,
        })
    }

    /// Waits for the configured latency, and fails at the configured rate.
    async fn simulate_latency(&self) -> Result<(), Error> {
        tokio::time::sleep(self.latency.pick()).await;
        if fastrand::f64() < self.failure_rate {
            return Err(Error::unavailable(PROVIDER, "simulated failure"));
        }
        Ok(())
    }

    fn update(&self, order_id: OrderId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.ledger)
            .key("idempotency_key", AttributeValue::S(order_id.to_string()))
    }

    /// Counts one more attempt for the key.
    async fn count_attempt(&self, order_id: OrderId) -> Result<u64, Error> {
        let update = self
            .update(order_id)
            .update_expression("ADD attempts :one")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew);
        let ledger = update.send().await.map_err(|error| Error::from_sdk(PROVIDER, &error))?;
        Ok(attempts(&ledger))
    }

    /// Records the outcome in the ledger. If the order has an outcome already, that one is returned.
    async fn record(&self, intent: &Intent<'_>, state: &str, reason: &str) -> Result<Charged, Error> {
        let update = self
            .update(intent.order_id)
            .update_expression(
                "SET #state = if_not_exists(#state, :state), reason = if_not_exists(reason, :reason), \
                 amount = :amount, currency = :currency, #token = :token, \
                 charge_id = if_not_exists(charge_id, :charge_id) ADD attempts :one",
            )
            .condition_expression(
                "attribute_not_exists(amount) \
                 OR (amount = :amount AND currency = :currency AND #token = :token)",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":state", text(state))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":amount", AttributeValue::N(intent.amount.to_owned()))
            .expression_attribute_values(":currency", text(intent.currency))
            .expression_attribute_values(":token", text(intent.token))
            .expression_attribute_values(":charge_id", text(&format!("ch_{}", reference())))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew);
        let ledger = update.send().await.map_err(|error| {
            if condition_failed(&error) {
                Error::Internal(format!("{PROVIDER} has another charge for this order"))
            } else {
                Error::from_sdk(PROVIDER, &error)
            }
        })?;
        Ok(match string(&ledger, "state").as_str() {
            DECLINED => Charged::Declined { reason: string(&ledger, "reason") },
            VOIDED => Charged::Declined { reason: VOIDED.to_owned() },
            _ => Charged::Captured,
        })
    }
}

impl PaymentProvider for SimulatedProvider {
    async fn create(&self, charge: &Charge<'_>) -> Result<Created, Error> {
        let refused = |reason: &str| Created::Refused { reason: reason.to_owned() };
        Ok(match TestCard::of(charge.token) {
            None | Some(TestCard::Late) => refused("resource_missing"),
            Some(TestCard::Used) => refused("token_already_used"),
            Some(_) => Created::Intent(Intent::id(charge)),
        })
    }

    async fn confirm(&self, _order_id: OrderId, intent: &str) -> Result<Charged, Error> {
        let intent = Intent::read(intent)?;
        self.simulate_latency().await?;
        match TestCard::of(intent.token) {
            Some(TestCard::Captured | TestCard::RefundRefused) => self.record(&intent, CAPTURED, "").await,
            Some(TestCard::Declined("generic_decline")) => {
                self.record(&intent, DECLINED, "card_declined").await
            }
            Some(TestCard::Declined(reason)) => self.record(&intent, DECLINED, reason).await,
            Some(TestCard::Flaky) => {
                let attempts = self.count_attempt(intent.order_id).await?;
                if attempts <= FLAKY_FAILURES {
                    return Err(Error::unavailable(PROVIDER, format!("flaky attempt {attempts}")));
                }
                self.record(&intent, CAPTURED, "").await
            }
            Some(TestCard::Unavailable) => std::future::pending().await,
            None | Some(TestCard::Late | TestCard::Used) => Err(no_such_intent()),
        }
    }

    async fn void(&self, intent: &str) -> Result<Voided, Error> {
        let intent = Intent::read(intent)?;
        self.simulate_latency().await?;
        let update = self
            .update(intent.order_id)
            .update_expression("SET #state = if_not_exists(#state, :voided)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":voided", text(VOIDED))
            .return_values(ReturnValue::AllNew);
        let ledger = update.send().await.map_err(|error| Error::from_sdk(PROVIDER, &error))?;
        Ok(match string(&ledger, "state").as_str() {
            CAPTURED | REFUNDED => Voided::Captured,
            _ => Voided::NotCharged,
        })
    }

    async fn refund(&self, order_id: OrderId, intent: &str) -> Result<Refunded, Error> {
        self.simulate_latency().await?;
        if TestCard::of(Intent::read(intent)?.token) == Some(TestCard::RefundRefused) {
            return Ok(Refunded::Refused { reason: "charge_disputed".to_owned() });
        }
        let update = self
            .update(order_id)
            .update_expression("SET #state = :refunded, refund_id = if_not_exists(refund_id, :refund_id)")
            .condition_expression("#state IN (:captured, :refunded)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":captured", text(CAPTURED))
            .expression_attribute_values(":refunded", text(REFUNDED))
            .expression_attribute_values(":refund_id", text(&format!("re_{}", reference())))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(ledger) => Ok(Refunded::GivenBack { reference: string(&ledger, "refund_id") }),
            Err(error) if condition_failed(&error) => {
                Ok(Refunded::Refused { reason: "payment_intent_unexpected_state".to_owned() })
            }
            Err(error) => Err(Error::from_sdk(PROVIDER, &error)),
        }
    }
}

/// What an intent's id holds: `pi_0197a000-0000-7000-8000-000000000000_1299_USD_tok_visa`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Intent<'a> {
    order_id: OrderId,
    /// Minor units.
    amount: &'a str,
    currency: &'a str,
    token: &'a str,
}

impl<'a> Intent<'a> {
    fn id(charge: &Charge<'_>) -> String {
        let (amount, currency) = (charge.amount.amount(), charge.amount.currency());
        format!("pi_{}_{amount}_{}_{}", charge.order_id, currency.as_str(), charge.token)
    }

    fn read(id: &'a str) -> Result<Self, Error> {
        let mut parts = id.splitn(5, '_').skip(1);
        let mut part = || parts.next().ok_or_else(no_such_intent);
        let order_id = part()?.parse().map_err(|_| no_such_intent())?;
        Ok(Self { order_id, amount: part()?, currency: part()?, token: part()? })
    }
}

fn no_such_intent() -> Error {
    Error::Internal(format!("{PROVIDER} has no such payment intent"))
}

fn condition_failed(error: &SdkError<UpdateItemError>) -> bool {
    matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_)))
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn string(ledger: &UpdateItemOutput, name: &str) -> String {
    let value = ledger.attributes().and_then(|item| item.get(name)).and_then(|value| value.as_s().ok());
    value.cloned().unwrap_or_default()
}

fn attempts(ledger: &UpdateItemOutput) -> u64 {
    let value = ledger.attributes().and_then(|item| item.get("attempts")).and_then(|value| value.as_n().ok());
    value.and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// A reference like those of providers: 24 random letters and digits.
fn reference() -> String {
    (0..24).map(|_| fastrand::alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use domain_primitives::Money;

    use super::*;

    #[test]
    fn an_intents_id_holds_what_confirming_it_needs() {
        let amount: Money = serde_json::from_str(r#"{"amount":1299,"currency":"USD"}"#).unwrap();
        let charge = Charge { order_id: OrderId::new(), amount, token: "tok_insufficient_funds" };
        let id = Intent::id(&charge);
        let read = Intent::read(&id).unwrap();
        assert_eq!(read.order_id, charge.order_id);
        assert_eq!((read.amount, read.currency, read.token), ("1299", "USD", "tok_insufficient_funds"));
        for other in ["", "pi_", "pi_1", "pi_a_1_USD_tok_visa"] {
            assert!(Intent::read(other).is_err(), "{other}");
        }
    }
}
