//! The latency of a simulated provider.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};

/// The latency of a simulated provider in milliseconds: `50..200`, or one number. Each call takes a random time in this
/// range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    least: u64,
    most: u64,
}

impl Default for Latency {
    /// 50 to 200 ms, as real providers take.
    fn default() -> Self {
        Self { least: 50, most: 200 }
    }
}

impl Latency {
    /// The time that one call takes.
    #[must_use]
    pub fn pick(self) -> Duration {
        Duration::from_millis(fastrand::u64(self.least..=self.most))
    }
}

impl FromStr for Latency {
    type Err = String;

    fn from_str(range: &str) -> Result<Self, String> {
        let rule = || "expected milliseconds, such as 50..200 or 100".to_owned();
        let (least, most) = range.split_once("..").unwrap_or((range, range));
        let parse = |text: &str| text.trim().parse::<u64>().map_err(|_| rule());
        let latency = Self { least: parse(least)?, most: parse(most)? };
        if latency.least <= latency.most { Ok(latency) } else { Err(rule()) }
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_a_range_or_a_number() {
        assert_eq!("50..200".parse(), Ok(Latency { least: 50, most: 200 }));
        assert_eq!("0".parse(), Ok(Latency { least: 0, most: 0 }));
        for bad in ["", "fast", "200..50", "-1", "1..", "1..2..3"] {
            assert!(bad.parse::<Latency>().is_err(), "{bad}");
        }
    }
}
