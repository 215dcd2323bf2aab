//! The payment provider that the environment selects.

use lambda_kit::{
    Error, RotatedSecret, Secret,
    aws::Aws,
    config::{self, ConfigError},
};
use orders::OrderId;

use crate::{
    provider::{Charge, Charged, Created, PaymentProvider, Refunded, Voided},
    simulated_provider::SimulatedProvider,
    stripe::{STRIPE_URL, Stripe},
};

/// The key that the payment simulator accepts. It protects nothing.
pub const SIMULATOR_KEY: &str = "sk_test_simulated";

/// One of the available providers.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Stripe, or the payment simulator, which speaks the same API.
    Stripe(Stripe),
    /// The simulation inside the function.
    Simulated(SimulatedProvider),
}

/// Why the provider cannot be set up.
#[derive(thiserror::Error)]
pub enum ProviderConfigError {
    /// A variable is missing or invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key cannot be read.
    #[error("the payment provider's key: {0}")]
    Key(#[from] Error),
}

/// What a failing `main` prints: for people, so the same as Display.
impl std::fmt::Debug for ProviderConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Provider {
    /// The provider that `PAYMENT_PROVIDER` names: `stripe`, with the key from the SSM parameter that
    /// `PAYMENT_PROVIDER_KEY_PARAMETER` names, or `simulated`: the payment simulator at `PAYMENT_PROVIDER_URL`, or
    /// without one the simulation inside the function.
    ///
    /// # Errors
    /// [`ProviderConfigError`] for a variable or a key that is missing or cannot be read.
    pub async fn from_env(aws: &Aws) -> Result<Self, ProviderConfigError> {
        let url = config::optional("PAYMENT_PROVIDER_URL");
        let name = config::required("PAYMENT_PROVIDER")?;
        match (name.as_str(), url) {
            ("stripe", url) => {
                let parameter = config::required("PAYMENT_PROVIDER_KEY_PARAMETER")?;
                let key = RotatedSecret::from_parameter(aws, parameter).await?;
                Ok(Self::Stripe(Stripe::new(url.as_deref().unwrap_or(STRIPE_URL), key)))
            }
            ("simulated", Some(url)) => Ok(Self::Stripe(Stripe::new(
                &url,
                RotatedSecret::fixed(Secret::new(SIMULATOR_KEY.to_owned())),
            ))),
            ("simulated", None) => Ok(Self::Simulated(SimulatedProvider::from_env(aws)?)),
            _ => Err(ProviderConfigError::Config(ConfigError::Invalid {
                name: "PAYMENT_PROVIDER".to_owned(),
                value: name,
                why: "expected simulated or stripe".to_owned(),
            })),
        }
    }
}

impl PaymentProvider for Provider {
    async fn create(&self, charge: &Charge<'_>) -> Result<Created, Error> {
        match self {
            Self::Stripe(provider) => provider.create(charge).await,
            Self::Simulated(provider) => provider.create(charge).await,
        }
    }

    async fn confirm(&self, order_id: OrderId, intent: &str) -> Result<Charged, Error> {
        match self {
            Self::Stripe(provider) => provider.confirm(order_id, intent).await,
            Self::Simulated(provider) => provider.confirm(order_id, intent).await,
        }
    }

    async fn void(&self, intent: &str) -> Result<Voided, Error> {
        match self {
            Self::Stripe(provider) => provider.void(intent).await,
            Self::Simulated(provider) => provider.void(intent).await,
        }
    }

    async fn refund(&self, order_id: OrderId, intent: &str) -> Result<Refunded, Error> {
        match self {
            Self::Stripe(provider) => provider.refund(order_id, intent).await,
            Self::Simulated(provider) => provider.refund(order_id, intent).await,
        }
    }
}
