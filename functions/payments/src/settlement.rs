//! The settlement of an order: its status and its payment record, written in one transaction.

use catalog::Catalog;
use domain_primitives::Timestamp;
use lambda_kit::{
    Deadline, Error,
    transaction::{Outcome, Transaction},
};
use orders::{Due, Order, Orders, Status, Transition, TransitionOutcome};

use crate::{
    provider::{Charged, VOIDED},
    record::{PaymentRecord, Payments, Reconciled, RecordedOutcome},
};

/// The tables that a settlement writes.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    pub(crate) payments: Payments,
}

/// The end of a PENDING order.
#[derive(Debug)]
pub(crate) struct Settlement {
    status: Status,
    outcome: RecordedOutcome,
    provider_reference: Option<String>,
    /// For the order, which clients see.
    reason: Option<&'static str>,
    /// For the payment record, which people see.
    recorded_reason: Option<String>,
    attempts: u32,
    /// What is due at the provider afterwards.
    due: Option<Due>,
}

impl Settlement {
    /// The end that the provider's decision means.
    pub(crate) fn decided(charged: Charged, reference: Option<String>, attempts: u32) -> Self {
        match charged {
            Charged::Captured => Self {
                status: Status::Confirmed,
                outcome: RecordedOutcome::Captured,
                provider_reference: reference,
                reason: None,
                recorded_reason: None,
                attempts,
                due: None,
            },
            // Another function gave the order up, and could not settle it.
            Charged::Declined { reason } if reason == VOIDED => Self::given_up(None, attempts),
            Charged::Declined { reason } => Self {
                status: Status::PaymentFailed,
                outcome: RecordedOutcome::Declined,
                provider_reference: reference,
                reason: Some(shown(&reason)),
                recorded_reason: Some(reason),
                attempts,
                due: None,
            },
        }
    }

    /// The end of an order whose payment got no verdict in time. `due` is the refund, unless it is known that the order
    /// was not charged.
    pub(crate) fn given_up(due: Option<Due>, attempts: u32) -> Self {
        Self {
            status: Status::PaymentFailed,
            outcome: RecordedOutcome::Failed,
            provider_reference: None,
            reason: Some(UNAVAILABLE),
            recorded_reason: Some(UNAVAILABLE.to_owned()),
            attempts,
            due,
        }
    }
}

/// Why an order failed whose payment got no verdict.
const UNAVAILABLE: &str = "payment_unavailable";

/// What a client learns of the reason of a decline. The bank's own word would tell whoever tries stolen cards what is wrong
/// with each: <https://docs.stripe.com/declines/codes>.
fn shown(reason: &str) -> &'static str {
    match reason {
        "insufficient_funds" => "insufficient_funds",
        _ => "card_declined",
    }
}

impl Tables {
    /// Writes the order's status and its payment record, and returns the stock unless the order is paid.
    pub(crate) async fn settle(
        &self,
        order: &Order,
        settlement: &Settlement,
        deadline: Deadline,
    ) -> Result<TransitionOutcome, Error> {
        let transition = Transition {
            to: settlement.status,
            reason: settlement.reason.map(str::to_owned),
            due: settlement.due,
        };
        let record = self.payments.put(&payment_record(order, settlement))?;
        self.orders.transition(order, transition, &self.catalog, Some(record), deadline).await
    }

    /// Records how the refund of the order ended: on its payment record, and on the order, which leaves the `due` index.
    /// Repeating it changes nothing.
    pub(crate) async fn record_refund(
        &self,
        order: &Order,
        reconciled: &Reconciled,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let transaction = Transaction::default()
            .with("order", self.orders.refund_ended(order.order_id)?)
            .with("payment record", self.payments.refunded(order.order_id, order.total, reconciled)?);
        match transaction.write(self.orders.client(), deadline).await? {
            // If the condition failed, another delivery of the same message has recorded the refund.
            Outcome::Written | Outcome::ConditionsFailed(_) => Ok(()),
        }
    }
}

fn payment_record(order: &Order, settlement: &Settlement) -> PaymentRecord {
    PaymentRecord {
        order_id: order.order_id,
        outcome: settlement.outcome,
        amount: order.total.amount(),
        currency: order.total.currency(),
        provider_reference: settlement.provider_reference.clone(),
        reason: settlement.recorded_reason.clone(),
        attempts: settlement.attempts,
        updated_at: Timestamp::now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banks_word_is_recorded_and_not_shown() {
        let decided = |reason: &str| {
            let declined = Charged::Declined { reason: reason.to_owned() };
            let settlement = Settlement::decided(declined, None, 1);
            (settlement.reason.unwrap(), settlement.recorded_reason.unwrap())
        };
        assert_eq!(decided("stolen_card"), ("card_declined", "stolen_card".to_owned()));
        assert_eq!(decided("insufficient_funds"), ("insufficient_funds", "insufficient_funds".to_owned()));
        assert_eq!(decided("resource_missing"), ("card_declined", "resource_missing".to_owned()));
        assert_eq!(decided(VOIDED), (UNAVAILABLE, UNAVAILABLE.to_owned()));
    }
}
