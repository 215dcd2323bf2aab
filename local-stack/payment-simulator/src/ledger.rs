//! The provider's books: payment intents and what became of them. No clock, no network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One payment intent: at most one charge, and what was given back of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The provider's name for it.
    pub id: String,
    /// Minor units.
    pub amount: u64,
    /// An ISO 4217 code in lower case.
    pub currency: String,
    /// What is charged.
    pub token: String,
    /// Where it stands.
    pub status: Status,
    /// Why the card was declined the last time.
    pub decline_code: Option<String>,
    /// The name of the charge, once captured.
    pub charge: Option<String>,
    /// The name of the refund, once given back.
    pub refund: Option<String>,
    /// How often it was confirmed, successfully or not.
    pub confirmations: u32,
    /// How many of these came after it was cancelled, and were refused.
    pub refused: u32,
    /// What the shop wrote on it.
    pub metadata: BTreeMap<String, String>,
}

/// The states of Stripe's payment intents that a card payment here can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Made, not charged.
    RequiresConfirmation,
    /// Declined.
    RequiresPaymentMethod,
    /// Captured; whether it was given back is told by the refund.
    Succeeded,
    /// Never to be charged.
    Canceled,
}

/// What a token does when it is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    Captures,
    Declines(&'static str),
    Flaky,
    Late,
    Silent,
}

/// Why the ledger refuses something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such intent.
    Missing,
    /// The intent is in a state that does not allow it.
    State(Box<Intent>),
    /// The card is declined.
    Declined(Box<Intent>),
    /// Everything was given back before.
    Refunded,
}

/// All payment intents by id.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    intents: BTreeMap<String, Intent>,
}

pub(crate) fn temper(token: &str) -> Temper {
    match token {
        "tok_visa" | "tok_mastercard" | "tok_amex" => Temper::Captures,
        "tok_declined" => Temper::Declines("card_declined"),
        "tok_insufficient_funds" => Temper::Declines("insufficient_funds"),
        "tok_flaky" => Temper::Flaky,
        "tok_late" => Temper::Late,
        "tok_unavailable" => Temper::Silent,
        _ => Temper::Declines("unknown_token"),
    }
}

/// A name as providers make them: a prefix and 24 random letters and digits.
pub(crate) fn name(prefix: &str) -> String {
    let letters: String = (0..24).map(|_| fastrand::alphanumeric()).collect();
    format!("{prefix}_{letters}")
}

impl Ledger {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Intent> {
        self.intents.values()
    }

    pub(crate) fn get(&self, id: &str) -> Result<&Intent, Refusal> {
        self.intents.get(id).ok_or(Refusal::Missing)
    }

    /// Puts an intent as it stands: a new one, or one from a journal.
    pub(crate) fn put(&mut self, intent: Intent) {
        self.intents.insert(intent.id.clone(), intent);
    }

    /// Charges what is not charged yet.
    pub(crate) fn confirm(&mut self, id: &str) -> Result<&Intent, Refusal> {
        let intent = self.intents.get_mut(id).ok_or(Refusal::Missing)?;
        intent.confirmations += 1;
        match intent.status {
            Status::RequiresConfirmation | Status::RequiresPaymentMethod => {}
            Status::Canceled => {
                intent.refused += 1;
                return Err(Refusal::State(Box::new(intent.clone())));
            }
            Status::Succeeded => return Err(Refusal::State(Box::new(intent.clone()))),
        }
        if let Temper::Declines(code) = temper(&intent.token) {
            intent.status = Status::RequiresPaymentMethod;
            intent.decline_code = Some(code.to_owned());
            return Err(Refusal::Declined(Box::new(intent.clone())));
        }
        intent.status = Status::Succeeded;
        intent.charge = Some(name("ch"));
        Ok(intent)
    }

    /// Sees to it that an intent that is not captured never is.
    pub(crate) fn cancel(&mut self, id: &str) -> Result<&Intent, Refusal> {
        let intent = self.intents.get_mut(id).ok_or(Refusal::Missing)?;
        if matches!(intent.status, Status::Succeeded | Status::Canceled) {
            return Err(Refusal::State(Box::new(intent.clone())));
        }
        intent.status = Status::Canceled;
        Ok(intent)
    }

    /// Gives back all that was captured.
    pub(crate) fn refund(&mut self, id: &str) -> Result<&Intent, Refusal> {
        let intent = self.intents.get_mut(id).ok_or(Refusal::Missing)?;
        if intent.status != Status::Succeeded {
            return Err(Refusal::State(Box::new(intent.clone())));
        }
        if intent.refund.is_some() {
            return Err(Refusal::Refunded);
        }
        intent.refund = Some(name("re"));
        Ok(intent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(token: &str) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.put(Intent {
            id: "pi".to_owned(),
            amount: 1299,
            currency: "usd".to_owned(),
            token: token.to_owned(),
            status: Status::RequiresConfirmation,
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
    fn what_is_cancelled_is_never_charged() {
        let mut ledger = ledger("tok_visa");
        assert_eq!(ledger.cancel("pi").unwrap().status, Status::Canceled);
        assert!(matches!(ledger.confirm("pi"), Err(Refusal::State(_))));
        assert_eq!((ledger.get("pi").unwrap().charge.as_ref(), ledger.get("pi").unwrap().refused), (None, 1));
    }

    #[test]
    fn what_is_charged_is_charged_and_refunded_once() {
        let mut ledger = ledger("tok_visa");
        assert!(matches!(ledger.refund("pi"), Err(Refusal::State(_))), "nothing is captured yet");
        assert_eq!(ledger.confirm("pi").unwrap().status, Status::Succeeded);
        assert!(matches!(ledger.confirm("pi"), Err(Refusal::State(_))));
        assert!(
            matches!(ledger.cancel("pi"), Err(Refusal::State(_))),
            "what is captured can only be refunded"
        );
        assert!(ledger.refund("pi").unwrap().refund.is_some());
        assert!(matches!(ledger.refund("pi"), Err(Refusal::Refunded)));
    }

    #[test]
    fn a_declined_card_captures_nothing() {
        let mut ledger = ledger("tok_insufficient_funds");
        let Err(Refusal::Declined(intent)) = ledger.confirm("pi") else { panic!() };
        assert_eq!((intent.decline_code.as_deref(), intent.charge), (Some("insufficient_funds"), None));
    }
}
