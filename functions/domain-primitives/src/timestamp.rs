//! Points in time in the format of the API.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_smithy_types::{DateTime, date_time::Format};
use serde::{Deserialize, Serialize};

use crate::InvalidValue;

/// An RFC 3339 time in UTC with milliseconds: `2026-11-21T08:15:30.123Z`.
///
/// The width is fixed, so the texts sort like the times, and a text can be a sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(String);

impl Timestamp {
    /// The current time of this machine.
    #[must_use]
    pub fn now() -> Self {
        Self::at(SystemTime::now())
    }

    /// The time `age` before now.
    #[must_use]
    pub fn ago(age: Duration) -> Self {
        Self::at(SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH))
    }

    /// The time `wait` from now.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        Self::at(SystemTime::now() + wait)
    }

    /// How long ago it was; zero for a time to come.
    #[must_use]
    pub fn age(&self) -> Duration {
        let time = DateTime::from_str(&self.0, Format::DateTime).ok();
        let time = time.and_then(|time| SystemTime::try_from(time).ok()).unwrap_or_else(SystemTime::now);
        time.elapsed().unwrap_or_default()
    }

    /// `time`, cut to the millisecond. Times before 1970 become 1970.
    #[must_use]
    pub fn at(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
        let text = DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default();
        Self(format!("{}.{:03}Z", text.trim_end_matches('Z'), since.subsec_millis()))
    }

    /// The time as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let time = DateTime::from_str(&text, Format::DateTime).ok();
        let time = time.and_then(|time| SystemTime::try_from(time).ok()).map(Self::at);
        // Only the text that would be written again is valid: each time has one spelling.
        time.filter(|time| time.0 == text)
            .ok_or(InvalidValue::new("must be a time in UTC with milliseconds: 2026-11-21T08:15:30.123Z"))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::at(UNIX_EPOCH + Duration::from_millis(millis))
    }

    #[test]
    fn is_rfc_3339_with_milliseconds() {
        assert_eq!(at(0).as_str(), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(1_795_248_930_120).as_str(), "2026-11-21T08:15:30.120Z");
    }

    #[test]
    fn only_its_own_format_is_read() {
        let read = |text: &str| Timestamp::try_from(text.to_owned());
        assert_eq!(read("2026-11-21T08:15:30.120Z"), Ok(at(1_795_248_930_120)));
        for other in [
            "",
            "now",
            "2026-11-21",
            "2026-11-21T08:15:30Z",
            "2026-11-21T08:15:30.12Z",
            "2026-02-30T08:15:30.120Z",
        ] {
            assert!(read(other).is_err(), "{other}");
        }
    }

    #[test]
    fn age_counts_from_the_time_itself() {
        let hour = Duration::from_secs(3600);
        let age = Timestamp::ago(hour).age();
        assert!(age >= hour && age < hour + Duration::from_secs(60), "{age:?}");
        assert_eq!(Timestamp::after(hour).age(), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn text_sorts_as_time(a in 0u64..4_000_000_000_000, b in 0u64..4_000_000_000_000) {
            prop_assert_eq!(at(a).cmp(&at(b)), a.cmp(&b));
        }
    }
}
