//! What a response of Stripe's says about each step: done, refused for good, or no verdict.

use lambda_kit::{Error, http_client::HttpResponse};

use super::{
    PROVIDER,
    response::{Intent, IntentStatus, Refund, RefundStatus, read},
};
use crate::provider::{Charged, Created, Refunded, VOIDED, Voided};

/// Reads the response to the creation of an intent.
///
/// # Errors
/// When the response is no verdict, or is not one of Stripe's.
pub fn created(response: &HttpResponse) -> Result<Created, Error> {
    Ok(match read::<Intent>(response)? {
        Ok(intent) => Created::Intent(intent.id),
        Err(refusal) => Created::Refused { reason: refusal.reason() },
    })
}

/// Reads the response to the confirmation of an intent.
///
/// # Errors
/// When the response is no verdict, or is not one of Stripe's.
pub fn charged(response: &HttpResponse) -> Result<Charged, Error> {
    match read::<Intent>(response)? {
        Ok(Intent { status: IntentStatus::Succeeded, .. }) => Ok(Charged::Captured),
        Ok(Intent { status: IntentStatus::Processing, .. }) => Err(in_progress()),
        Ok(intent) => Err(unexpected(&intent)),
        Err(refusal) => match refusal.state() {
            Some(IntentStatus::Succeeded) => Ok(Charged::Captured),
            Some(IntentStatus::Canceled) => Ok(Charged::Declined { reason: VOIDED.to_owned() }),
            Some(IntentStatus::Processing) => Err(in_progress()),
            Some(IntentStatus::Open) | None => Ok(Charged::Declined { reason: refusal.reason() }),
        },
    }
}

/// Reads the response to the cancellation of an intent.
///
/// # Errors
/// When the response is no verdict, or is not one of Stripe's.
pub fn voided(response: &HttpResponse) -> Result<Voided, Error> {
    match read::<Intent>(response)? {
        Ok(Intent { status: IntentStatus::Canceled, .. }) => Ok(Voided::NotCharged),
        Ok(intent) => Err(unexpected(&intent)),
        Err(refusal) => match refusal.state() {
            Some(IntentStatus::Canceled) => Ok(Voided::NotCharged),
            Some(IntentStatus::Succeeded) => Ok(Voided::Captured),
            Some(IntentStatus::Processing) => Err(in_progress()),
            Some(IntentStatus::Open) | None => Ok(Voided::Refused { reason: refusal.reason() }),
        },
    }
}

/// Reads the response to the refund of an intent.
///
/// # Errors
/// When the response is no verdict, or is not one of Stripe's.
pub fn refunded(response: &HttpResponse, intent: &str) -> Result<Refunded, Error> {
    match read::<Refund>(response)? {
        Ok(Refund { id, status: RefundStatus::Succeeded | RefundStatus::Pending }) => {
            Ok(Refunded::GivenBack { reference: id })
        }
        // It failed, was cancelled, or waits for the customer: people must look.
        Ok(Refund { status, .. }) => Ok(Refunded::Refused { reason: format!("refund_{}", status.as_str()) }),
        // Stripe has forgotten the key. The refund can be found by the intent.
        Err(refusal) if refusal.is("charge_already_refunded") => {
            Ok(Refunded::GivenBack { reference: intent.to_owned() })
        }
        Err(refusal) if refusal.state() == Some(IntentStatus::Processing) => Err(in_progress()),
        Err(refusal) => Ok(Refunded::Refused { reason: refusal.reason() }),
    }
}

fn in_progress() -> Error {
    Error::unavailable(PROVIDER, "a charge is in progress")
}

fn unexpected(intent: &Intent) -> Error {
    Error::Internal(format!("{PROVIDER} left an intent {:?}", intent.status))
}
