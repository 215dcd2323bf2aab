//! The environment variables of a function. A missing or invalid one stops the function at its start with an error that
//! names it.

use std::{
    env,
    fmt::{self, Display},
    str::FromStr,
};

use crate::Secret;

/// An environment variable that is missing or invalid.
#[derive(thiserror::Error)]
pub enum ConfigError {
    /// The environment variable is not set, or is empty.
    #[error(
        "the environment variable {0} is not set: template.yaml sets it for every function that reads it"
    )]
    Missing(String),
    /// The environment variable holds a secret that can be guessed. The message does not hold it.
    #[error("the environment variable {name} holds a secret of fewer than {least} characters")]
    ShortSecret {
        /// The variable.
        name: String,
        /// The least number of characters.
        least: usize,
    },
    /// The environment variable has a value that cannot be used.
    #[error("the environment variable {name} is {value:?}: {why}")]
    Invalid {
        /// The variable.
        name: String,
        /// Its value.
        value: String,
        /// The rule that the value breaks.
        why: String,
    },
}

/// The same as Display, because this is what a failing `main` prints.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The value of `name`.
///
/// # Errors
/// [`ConfigError::Missing`] when it is unset or empty.
pub fn required(name: &str) -> Result<String, ConfigError> {
    optional(name).ok_or_else(|| ConfigError::Missing(name.to_owned()))
}

/// The value of `name`, if it is set and not empty.
#[must_use]
pub fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The secret that `name` holds, of at least so many characters.
///
/// # Errors
/// [`ConfigError::Missing`] when it is unset or empty, [`ConfigError::ShortSecret`] when it has fewer characters.
pub fn secret(name: &str, least: usize) -> Result<Secret, ConfigError> {
    long_enough(name, required(name)?, least)
}

fn long_enough(name: &str, text: String, least: usize) -> Result<Secret, ConfigError> {
    if text.chars().count() < least {
        return Err(ConfigError::ShortSecret { name: name.to_owned(), least });
    }
    Ok(Secret::new(text))
}

/// The parsed value of `name`.
///
/// # Errors
/// [`ConfigError::Missing`] when it is unset or empty, [`ConfigError::Invalid`] when it does not parse.
pub fn required_as<T>(name: &str) -> Result<T, ConfigError>
where
    T: FromStr,
    T::Err: Display,
{
    parse(name, required(name)?)
}

/// The parsed value of `name`, or `default` when it is unset or empty.
///
/// # Errors
/// [`ConfigError::Invalid`] when it is set and does not parse.
pub fn parsed<T>(name: &str, default: T) -> Result<T, ConfigError>
where
    T: FromStr,
    T::Err: Display,
{
    optional(name).map_or(Ok(default), |value| parse(name, value))
}

fn parse<T>(name: &str, value: String) -> Result<T, ConfigError>
where
    T: FromStr,
    T::Err: Display,
{
    value.parse().map_err(|error: T::Err| ConfigError::Invalid {
        name: name.to_owned(),
        why: error.to_string(),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_named() {
        let error = required("FARTHING_NO_SUCH_SETTING").unwrap_err();
        assert!(error.to_string().contains("FARTHING_NO_SUCH_SETTING"), "{error}");
    }

    #[test]
    fn a_short_secret_is_refused_without_being_shown() {
        let error = long_enough("SECRET", "hunter2".to_owned(), 8).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable SECRET holds a secret of fewer than 8 characters"
        );
        assert_eq!(format!("{error:?}"), error.to_string());
        assert_eq!(long_enough("SECRET", "hunter22".to_owned(), 8).unwrap().expose(), "hunter22");
        assert!(matches!(secret("FARTHING_NO_SUCH_SETTING", 8), Err(ConfigError::Missing(_))));
    }

    #[test]
    fn an_unset_setting_takes_its_default() {
        assert_eq!(parsed("FARTHING_NO_SUCH_SETTING", 7u32).unwrap(), 7);
        assert!(matches!(required_as::<u32>("FARTHING_NO_SUCH_SETTING"), Err(ConfigError::Missing(_))));
    }
}
