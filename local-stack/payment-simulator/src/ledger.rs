//! The provider's ledger of payment intents. It has no clock and no network.

use std::collections::BTreeMap;

use payments::TestCard;
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
    /// The payment method that is charged: a token, or an id.
    pub token: String,
    /// Its status.
    pub status: PaymentIntentStatus,
    /// Why the card was declined.
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
    /// The bank has taken the money back.
    Disputed,
}

/// All payment intents by id.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    intents: BTreeMap<String, PaymentIntent>,
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
            PaymentIntentStatus::RequiresConfirmation => {}
            PaymentIntentStatus::Canceled => {
                intent.refused += 1;
                return Err(LedgerError::UnexpectedStatus(Box::new(intent.clone())));
            }
            // After a decline, Stripe wants another payment method.
            PaymentIntentStatus::Succeeded | PaymentIntentStatus::RequiresPaymentMethod => {
                return Err(LedgerError::UnexpectedStatus(Box::new(intent.clone())));
            }
        }
        if let Some(TestCard::Declined(code)) = TestCard::of(&intent.token) {
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
        if TestCard::of(&intent.token) == Some(TestCard::RefundRefused) {
            return Err(LedgerError::Disputed);
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
