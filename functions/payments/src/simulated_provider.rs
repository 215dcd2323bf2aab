//! A payment provider inside the function that moves no money. The demo deployment uses it, because no simulator runs there
//! (docs/decisions/0008). Its result depends on the token only, as with providers' test cards.
//!
//! | token | what happens |
//! |---|---|
//! | `tok_visa`, `tok_mastercard`, `tok_amex` | captured |
//! | `tok_declined` | declined: `card_declined` |
//! | `tok_insufficient_funds` | declined: `insufficient_funds` |
//! | `tok_flaky` | unavailable twice, then captured |
//! | `tok_unavailable` | never responds |
//! | any other | declined: `unknown_token` |
//!
//! It keeps its own ledger, as a real provider does: a table with one item for each idempotency key. So a charge survives a
//! crash of the function that requested it, and tests can count charges and refunds.

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
    provider::{Charge, Charged, PaymentProvider, Refunded, VOIDED},
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

    /// Records the outcome in the ledger. If the key has an outcome already, that one is returned.
    ///
    /// As with real providers, a key belongs to one charge: another amount or token with it is refused.
    async fn record(&self, charge: &Charge<'_>, state: &str, reason: &str) -> Result<Charged, Error> {
        let update = self
            .update(charge.order_id)
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
            .expression_attribute_values(":amount", number(charge.amount.amount()))
            .expression_attribute_values(":currency", text(charge.amount.currency().as_str()))
            .expression_attribute_values(":token", text(charge.token))
            .expression_attribute_values(":charge_id", text(&format!("ch_{}", reference())))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew);
        let ledger = update.send().await.map_err(|error| {
            if condition_failed(&error) {
                Error::Internal(format!("{PROVIDER} has another charge under this idempotency key"))
            } else {
                Error::from_sdk(PROVIDER, &error)
            }
        })?;
        match string(&ledger, "state").as_str() {
            DECLINED => Ok(Charged::Declined { reason: string(&ledger, "reason") }),
            VOIDED => Ok(Charged::Declined { reason: VOIDED.to_owned() }),
            _ => Ok(Charged::Captured { reference: string(&ledger, "charge_id") }),
        }
    }

    /// Records that the key must not be charged any more. Returns false when it was charged, declined or voided before.
    async fn void(&self, order_id: OrderId) -> Result<bool, Error> {
        let update = self
            .update(order_id)
            .update_expression("SET #state = :voided")
            .condition_expression("attribute_not_exists(#state)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":voided", text(VOIDED));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(Error::from_sdk(PROVIDER, &error)),
        }
    }

    /// Refunds a captured charge. Returns the reference to the refund, or `None` when nothing is captured.
    async fn refund_captured(&self, order_id: OrderId) -> Result<Option<String>, Error> {
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
            Ok(ledger) => Ok(Some(string(&ledger, "refund_id"))),
            Err(error) if condition_failed(&error) => Ok(None),
            Err(error) => Err(Error::from_sdk(PROVIDER, &error)),
        }
    }
}

impl PaymentProvider for SimulatedProvider {
    async fn charge(&self, charge: &Charge<'_>) -> Result<Charged, Error> {
        self.simulate_latency().await?;
        match charge.token {
            "tok_visa" | "tok_mastercard" | "tok_amex" => self.record(charge, CAPTURED, "").await,
            "tok_declined" => self.record(charge, DECLINED, "card_declined").await,
            "tok_insufficient_funds" => self.record(charge, DECLINED, "insufficient_funds").await,
            "tok_flaky" => {
                let attempts = self.count_attempt(charge.order_id).await?;
                if attempts <= FLAKY_FAILURES {
                    return Err(Error::unavailable(PROVIDER, format!("flaky attempt {attempts}")));
                }
                self.record(charge, CAPTURED, "").await
            }
            "tok_unavailable" => std::future::pending().await,
            _ => self.record(charge, DECLINED, "unknown_token").await,
        }
    }

    async fn refund(&self, charge: &Charge<'_>, _reference: Option<&str>) -> Result<Refunded, Error> {
        self.simulate_latency().await?;
        // Void first: after that, nothing can be captured any more.
        if self.void(charge.order_id).await? {
            return Ok(Refunded::NotCharged);
        }
        let refund = self.refund_captured(charge.order_id).await?;
        Ok(refund.map_or(Refunded::NotCharged, |reference| Refunded::GivenBack { reference }))
    }
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
