//! A payment provider that moves no money. It implements the part of Stripe's API that the shop uses, so the functions
//! call it as they would call Stripe, and keeps a ledger that tests can compare with the shop's own records.
//!
//! | request | Stripe's reference |
//! |---|---|
//! | `POST /v1/payment_intents` | <https://docs.stripe.com/api/payment_intents/create> |
//! | `GET /v1/payment_intents/{id}` | <https://docs.stripe.com/api/payment_intents/retrieve> |
//! | `POST /v1/payment_intents/{id}/confirm` | <https://docs.stripe.com/api/payment_intents/confirm> |
//! | `POST /v1/payment_intents/{id}/cancel` | <https://docs.stripe.com/api/payment_intents/cancel> |
//! | `POST /v1/refunds` | <https://docs.stripe.com/api/refunds/create> |
//! | `GET /_simulator/ledger` | none: every payment intent, for tests |
//! | `PUT /_simulator/behaviour` | none: `{"latency_ms": "50..200", "failure_rate": 0.1}` from now on |
//!
//! What happens depends on the token, as with providers' test cards:
//!
//! | token | when it is confirmed |
//! |---|---|
//! | `tok_visa`, `tok_mastercard`, `tok_amex` | captured |
//! | `tok_declined` | declined: `card_declined` |
//! | `tok_insufficient_funds` | declined: `insufficient_funds` |
//! | `tok_flaky` | unavailable twice, then captured |
//! | `tok_late` | captured three seconds later, even if the client has left |
//! | `tok_unavailable` | no response, ever |
//!
//! Any other token does not exist: no intent is created with it, as at Stripe (`resource_missing`).
//!
//! Idempotency follows Stripe's rules (<https://docs.stripe.com/api/idempotent_requests>): a repeated key with
//! the same request returns the first response, with another request it is an error, and while the first request is in
//! progress it is a conflict. A request that has arrived is processed even if its client has timed out, so a charge can
//! succeed late.

mod api;
mod behaviour;
mod form;
mod journal;
mod ledger;
mod server;

pub use behaviour::Behaviour;
pub use ledger::{PaymentIntent, PaymentIntentStatus};
pub use payments::SIMULATOR_KEY as API_KEY;
pub use server::{Simulator, StartError};
