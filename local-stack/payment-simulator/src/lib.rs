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
//! | `GET /_simulator/ledger` | none: every payment intent with the number of `calls` about it, and how many `requests` came in `total`, were `rate_limited`, `unauthorized` or `failed`; for tests |
//! | `PUT /_simulator/behaviour` | none: from now on, a [`Behaviour`] |
//!
//! What happens depends on the payment method, as with providers' test cards: [`TestCard`] lists them. An amount below 50 or
//! above 99,999,999 is refused when an intent is created, as Stripe does.
//!
//! | member of the behaviour | default | what it does |
//! |---|---|---|
//! | `latency_ms` | `"50..200"` | how long each request takes |
//! | `failure_rate` | 0 | the probability of a 500 without an effect, which its idempotency key brings back as Stripe's does |
//! | `rate_limit` | none | requests within any second; those beyond get 429 with `Retry-After: 1` |
//! | `api_keys` | `["sk_test_simulated"]` | the keys that are accepted; others get 401 |
//! | `forget_keys` | false | true forgets, once, the idempotency keys used until now, as Stripe does after 24 hours |
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
mod requests;
mod server;

pub use behaviour::Behaviour;
pub use ledger::{PaymentIntent, PaymentIntentStatus};
pub use payments::{SIMULATOR_KEY as API_KEY, TestCard};
pub use server::{Simulator, StartError};
