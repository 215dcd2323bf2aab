//! A secret that may be replaced while an execution environment lives.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::{Error, Secret, aws::Aws};

/// An environment reads the parameter again at most this often, so that a wrong secret does not use up SSM's rate.
const PAUSE: Duration = Duration::from_secs(5);

/// A secret, and the SSM parameter that it is read from again when it is no longer accepted.
#[derive(Clone, Debug)]
pub struct RotatedSecret {
    current: Arc<RwLock<Secret>>,
    parameter: Option<Arc<Parameter>>,
}

#[derive(Debug)]
struct Parameter {
    aws: Aws,
    name: String,
    read_at: Mutex<Instant>,
}

impl RotatedSecret {
    /// A secret that is never replaced.
    #[must_use]
    pub fn fixed(secret: Secret) -> Self {
        Self { current: Arc::new(RwLock::new(secret)), parameter: None }
    }

    /// The secret in the SSM parameter `name`.
    ///
    /// # Errors
    /// When SSM does not respond, or has no such parameter for this function.
    pub async fn from_parameter(aws: &Aws, name: String) -> Result<Self, Error> {
        let secret = aws.parameter(&name).await?;
        let parameter = Parameter { aws: aws.clone(), name, read_at: Mutex::new(Instant::now()) };
        Ok(Self { parameter: Some(Arc::new(parameter)), ..Self::fixed(secret) })
    }

    /// The secret that was read last.
    #[must_use]
    pub fn current(&self) -> Secret {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another secret than `refused`, which is no longer accepted: the one that was read meanwhile, or else the one that the
    /// parameter holds now. `None` when there is no other, or the parameter was read a moment ago.
    ///
    /// # Errors
    /// When SSM does not respond, or refuses.
    pub async fn instead_of(&self, refused: &Secret) -> Result<Option<Secret>, Error> {
        let Some(parameter) = &self.parameter else { return Ok(None) };
        let other = || Some(self.current()).filter(|secret| secret.expose() != refused.expose());
        // Calls that are refused at the same time wait here for one reading.
        let mut read_at = parameter.read_at.lock().await;
        if other().is_some() || read_at.elapsed() < PAUSE {
            return Ok(other());
        }
        *read_at = Instant::now();
        let secret = parameter.aws.parameter(&parameter.name).await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = secret;
        Ok(other())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::tests::{parameter_response, ssm};

    #[tokio::test]
    async fn a_refused_secret_is_read_again_but_not_at_once() {
        let responses = ["sk_1", "sk_2", "sk_3"].map(|value| ("200 OK", parameter_response(value)));
        let (endpoint, requests) = ssm(responses.to_vec()).await;
        let aws = Aws::local("us-east-1", "http://127.0.0.1:1", "http://127.0.0.1:1").with_ssm(&endpoint);
        let rotated = RotatedSecret::from_parameter(&aws, "/k".to_owned()).await.unwrap();
        let first = rotated.current();
        assert_eq!(first.expose(), "sk_1");
        assert!(rotated.instead_of(&first).await.unwrap().is_none(), "it was read a moment ago");
        *rotated.parameter.as_ref().unwrap().read_at.lock().await -= PAUSE;
        let (one, two) = tokio::join!(rotated.instead_of(&first), rotated.instead_of(&first));
        for other in [one, two] {
            assert_eq!(other.unwrap().unwrap().expose(), "sk_2", "one reading for both");
        }
        assert!(rotated.instead_of(&rotated.current()).await.unwrap().is_none(), "it was read a moment ago");
        assert_eq!(requests.lock().await.len(), 2);
    }

    #[tokio::test]
    async fn a_fixed_secret_has_no_other() {
        let secret = Secret::new("sk".to_owned());
        assert!(RotatedSecret::fixed(secret.clone()).instead_of(&secret).await.unwrap().is_none());
    }
}
