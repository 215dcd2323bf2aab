//! The provider's ledger of payment intents. It has no clock and no network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A payment intent: at most one charge, and at most one refund of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentIntent {
    /// The provider's id.
    pub id: String,
    /// The amount in minor units.
    pub amount: u64,
    /// An ISO 4217 code in lower case.
    pub currency: String,
    /// The payment method that is charged.
    pub token: String,
    /// Its status.
    pub status: PaymentIntentStatus,
    /// Why the card was last declined.
    pub decline_code: Option<String>,
    /// The id of the charge, once captured.
    pub charge: Option<String>,
    /// The id of the refund, once refunded.
    pub refund: Option<String>,
    /// How many attempts to confirm it were made, successful or not.
    pub confirmations: u32,
    /// How many of these came after it was cancelled, and were rejected.
    pub refused: u32,
    /// The metadata that the shop set.
    pub metadata: BTreeMap<String, String>,
}

/// The statuses of Stripe's payment intents that this ledger uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentIntentStatus {
    /// Created, not charged.
    RequiresConfirmation,
    /// Declined.
    RequiresPaymentMethod,
    /// Captured, and refunded if it has a refund.
    Succeeded,
    /// Cancelled: it can never be charged.
    Canceled,
}

/// What happens when a payment intent with the token is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenBehaviour {
    Captures,
    Declines(&'static str),
    FailsFirst,
    CapturesLate,
    NeverResponds,
}

/// Why the ledger rejects a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LedgerError {
    /// The payment intent does not exist.
    NotFound,
    /// The status of the payment intent does not allow it.
    UnexpectedStatus(Box<PaymentIntent>),
    /// The card is declined.
    Declined(Box<PaymentIntent>),
    /// It was refunded before.
    AlreadyRefunded,
}

/// All payment intents by id.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    intents: BTreeMap<String, PaymentIntent>,
}

/// None for a token that does not exist.
pub(crate) fn token_behaviour(token: &str) -> Option<TokenBehaviour> {
    Some(match token {
        "tok_visa" | "tok_mastercard" | "tok_amex" => TokenBehaviour::Captures,
        "tok_declined" => TokenBehaviour::Declines("card_declined"),
        "tok_insufficient_funds" => TokenBehaviour::Declines("insufficient_funds"),
        "tok_flaky" => TokenBehaviour::FailsFirst,
        "tok_late" => TokenBehaviour::CapturesLate,
        "tok_unavailable" => TokenBehaviour::NeverResponds,
        _ => return None,
    })
}

/// An id like those of Stripe: a prefix and 24 random letters and digits.
pub(crate) fn new_id(prefix: &str) -> String {
    let letters: String = (0..24).map(|_| fastrand::alphanumeric()).collect();
    format!("{prefix}_{letters}")
}

impl Ledger {
    pub(crate) fn all(&self) -> impl Iterator<Item = &PaymentIntent> {
        self.intents.values()
    }

    pub(crate) fn get(&self, id: &str) -> Result<&PaymentIntent, LedgerError> {
        self.intents.get(id).ok_or(LedgerError::NotFound)
    }

    /// Puts a new payment intent, or one from a journal.
    pub(crate) fn put(&mut self, intent: PaymentIntent) {
        self.intents.insert(intent.id.clone(), intent);
    }

    /// Charges a payment intent that is not charged yet.
    pub(crate) fn confirm(&mut self, id: &str) -> Result<&PaymentIntent, LedgerError> {
        let intent = self.intents.get_mut(id).ok_or(LedgerError::NotFound)?;
        intent.confirmations += 1;
        match intent.status {
            PaymentIntentStatus::RequiresConfirmation | PaymentIntentStatus::RequiresPaymentMethod => {}
            PaymentIntentStatus::Canceled => {
                intent.refused += 1;
                return Err(LedgerError::UnexpectedStatus(Box::new(intent.clone())));
            }
            PaymentIntentStatus::Succeeded => {
                return Err(LedgerError::UnexpectedStatus(Box::new(intent.clone())));
            }
        }
        if let Some(TokenBehaviour::Declines(code)) = token_behaviour(&intent.token) {
            intent.status = PaymentIntentStatus::RequiresPaymentMethod;
            intent.decline_code = Some(code.to_owned());
            return Err(LedgerError::Declined(Box::new(intent.clone())));
        }
        intent.status = PaymentIntentStatus::Succeeded;
        intent.charge = Some(new_id("ch"));
        Ok(intent)
    }

    /// Cancels a payment intent that is not captured, so that it never will be.
    pub(crate) fn cancel(&mut self, id: &str) -> Result<&PaymentIntent, LedgerError> {
        let intent = self.intents.get_mut(id).ok_or(LedgerError::NotFound)?;
        if matches!(intent.status, PaymentIntentStatus::Succeeded | PaymentIntentStatus::Canceled) {
            return Err(LedgerError::UnexpectedStatus(Box::new(intent.clone())));
        }
        intent.status = PaymentIntentStatus::Canceled;
        Ok(intent)
    }

    /// Refunds the whole amount.
    pub(crate) fn refund(&mut self, id: &str) -> Result<&PaymentIntent, LedgerError> {
        let intent = self.intents.get_mut(id).ok_or(LedgerError::NotFound)?;
        if intent.status != PaymentIntentStatus::Succeeded {
            return Err(LedgerError::UnexpectedStatus(Box::new(intent.clone())));
        }
        if intent.refund.is_some() {
            return Err(LedgerError::AlreadyRefunded);
        }
        intent.refund = Some(new_id("re"));
        Ok(intent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(token: &str) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.put(PaymentIntent {
            id: "pi".to_owned(),
            amount: 1299,
            currency: "usd".to_owned(),
            token: token.to_owned(),
            status: PaymentIntentStatus::RequiresConfirmation,
            decline_code: None,
            charge: None,
            refund: None,
            confirmations: 0,
            refused: 0,
            metadata: BTreeMap::new(),
        });
        ledger
    }

    #[test]
    fn a_cancelled_intent_is_never_charged() {
        let mut ledger = ledger("tok_visa");
        assert_eq!(ledger.cancel("pi").unwrap().status, PaymentIntentStatus::Canceled);
        assert!(matches!(ledger.confirm("pi"), Err(LedgerError::UnexpectedStatus(_))));
        assert_eq!((ledger.get("pi").unwrap().charge.as_ref(), ledger.get("pi").unwrap().refused), (None, 1));
    }

    #[test]
    fn an_intent_is_charged_and_refunded_once() {
        let mut ledger = ledger("tok_visa");
        assert!(
            matches!(ledger.refund("pi"), Err(LedgerError::UnexpectedStatus(_))),
            "nothing is captured yet"
        );
        assert_eq!(ledger.confirm("pi").unwrap().status, PaymentIntentStatus::Succeeded);
        assert!(matches!(ledger.confirm("pi"), Err(LedgerError::UnexpectedStatus(_))));
        assert!(
            matches!(ledger.cancel("pi"), Err(LedgerError::UnexpectedStatus(_))),
            "a captured intent can only be refunded"
        );
        assert!(ledger.refund("pi").unwrap().refund.is_some());
        assert!(matches!(ledger.refund("pi"), Err(LedgerError::AlreadyRefunded)));
    }

    #[test]
    fn a_declined_card_captures_nothing() {
        let mut ledger = ledger("tok_insufficient_funds");
        let Err(LedgerError::Declined(intent)) = ledger.confirm("pi") else { panic!() };
        assert_eq!((intent.decline_code.as_deref(), intent.charge), (Some("insufficient_funds"), None));
    }
}
