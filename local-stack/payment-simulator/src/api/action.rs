//! What a request asks of the ledger.

use std::collections::BTreeMap;

use payments::TestCard;
use serde_json::json;

use super::{
    Request, Response,
    response::{error, invalid},
};
use crate::{
    form,
    ledger::{self, PaymentIntent, PaymentIntentStatus},
};

/// Stripe's largest amount has eight digits: <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>.
const LARGEST_AMOUNT: u64 = 99_999_999;
/// Stripe's smallest amount in US dollars; that of other currencies is about as much.
const SMALLEST_AMOUNT: u64 = 50;

/// A request to the ledger.
#[derive(Debug)]
pub(super) enum Action {
    Create(PaymentIntent),
    Retrieve(String),
    Confirm(String),
    Cancel(String),
    Refund(String),
}

impl Action {
    /// The action of a valid request; for an invalid one, Stripe's response.
    pub(super) fn of(request: &Request) -> Result<Self, Response> {
        let form = form::parse(&request.body);
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["v1", "payment_intents"]) => new_payment_intent(&form).map(Self::Create),
            ("GET", ["v1", "payment_intents", id]) => Ok(Self::Retrieve((*id).to_owned())),
            ("POST", ["v1", "payment_intents", id, "confirm"]) => Ok(Self::Confirm((*id).to_owned())),
            ("POST", ["v1", "payment_intents", id, "cancel"]) => Ok(Self::Cancel((*id).to_owned())),
            ("POST", ["v1", "refunds"]) => match form.get("payment_intent") {
                Some(id) => Ok(Self::Refund(id.clone())),
                None => Err(invalid("parameter_missing", "Missing required param: payment_intent.")),
            },
            (method, _) => {
                let message = format!("Unrecognized request URL ({method}: {}).", request.path);
                Err(error(404, "invalid_request_error", json!({"message": message})))
            }
        }
    }

    /// The payment intent that it is about; none for a new one.
    pub(super) fn intent(&self) -> Option<&str> {
        match self {
            Self::Create(_) => None,
            Self::Retrieve(id) | Self::Confirm(id) | Self::Cancel(id) | Self::Refund(id) => Some(id),
        }
    }
}

fn new_payment_intent(form: &BTreeMap<String, String>) -> Result<PaymentIntent, Response> {
    let field = |name: &str| {
        let missing = || invalid("parameter_missing", &format!("Missing required param: {name}."));
        form.get(name).cloned().ok_or_else(missing)
    };
    let metadata = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    Ok(PaymentIntent {
        id: ledger::new_id("pi"),
        amount: amount(&field("amount")?)?,
        currency: field("currency")?,
        token: payment_method(form)?,
        status: PaymentIntentStatus::RequiresConfirmation,
        decline_code: None,
        charge: None,
        refund: None,
        confirmations: 0,
        refused: 0,
        metadata: metadata.collect(),
    })
}

fn amount(text: &str) -> Result<u64, Response> {
    let amount = text
        .parse()
        .map_err(|_| invalid("parameter_invalid_integer", &format!("Invalid integer: {text}")))?;
    match amount {
        0..SMALLEST_AMOUNT => Err(invalid("amount_too_small", "Amount must be at least $0.50 usd")),
        SMALLEST_AMOUNT..=LARGEST_AMOUNT => Ok(amount),
        _ => Err(invalid("amount_too_large", "Amount must be no more than $999,999.99")),
    }
}

/// A token, or the id of a payment method.
fn payment_method(form: &BTreeMap<String, String>) -> Result<String, Response> {
    let fields = ["payment_method", "payment_method_data[card][token]"];
    let Some(payment_method) = fields.iter().find_map(|name| form.get(*name)) else {
        return Err(invalid("parameter_missing", "Missing required param: payment_method."));
    };
    match TestCard::of(payment_method) {
        None => Err(invalid("resource_missing", &format!("No such payment method: '{payment_method}'"))),
        Some(TestCard::Used) => {
            Err(invalid("token_already_used", "You cannot use a Stripe token more than once."))
        }
        Some(_) => Ok(payment_method.clone()),
    }
}
