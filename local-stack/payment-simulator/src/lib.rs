//! A payment provider that moves no money. It speaks the part of Stripe's API that the shop uses, so the functions talk
//! to it as they would to Stripe, and keeps a ledger that tests can compare with the shop's own books.
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
//! | `tok_late` | captured three seconds later, whether or not anybody still waits |
//! | `tok_unavailable` | never answers |
//! | any other | declined: `unknown_token` |
//!
//! Idempotency follows Stripe's rules (<https://docs.stripe.com/api/idempotent_requests>): a key that comes again with
//! the same request answers as the first time, with another it is an error, and while the first is still under way a
//! conflict. A request that has arrived is carried out even if its sender has given up: that is what makes charges late.

mod api;
mod form;
mod journal;
mod ledger;
mod server;

pub use ledger::{Intent, Status};
pub use server::{Behaviour, Simulator, StartError};

pub use payments::SIMULATOR_KEY as KEY;
