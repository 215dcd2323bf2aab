//! Dated list prices by region, from `prices.json`, in whole picodollars and with their sources.
//!
//! The free tier is not applied: it belongs to an account, not to an application.

use std::{collections::BTreeMap, fmt, iter::Sum, ops::Add};

use serde::{Deserialize, Serialize, Serializer};

/// An amount of US dollars in picodollars (10^-12), which represent every list price exactly.
///
/// Deserialized from whole picodollars. Displayed and serialized as dollars with twelve decimals: `"0.000013333400"`.
/// Amounts saturate at 18 million dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Amount(u64);

/// The prices of one region.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Prices {
    /// The sources of the prices.
    pub basis: Vec<String>,
    /// One GB (1024 MB) for one second on Arm.
    pub lambda_arm64_gb_second: Amount,
    /// The same on x86.
    pub lambda_x86_64_gb_second: Amount,
    /// One invocation.
    pub lambda_request: Amount,
    /// One metered request of an HTTP API.
    pub http_api_request: Amount,
    /// One on-demand write request unit.
    pub dynamodb_write_unit: Amount,
    /// One on-demand read request unit.
    pub dynamodb_read_unit: Amount,
    /// One metered request to a standard queue.
    pub sqs_standard_request: Amount,
    /// One metered request to a FIFO queue.
    pub sqs_fifo_request: Amount,
    /// One GB ingested by `CloudWatch` Logs, taken as 2^30 bytes.
    pub logs_ingested_gb: Amount,
}

/// The price list.
#[derive(Clone, Debug, Deserialize)]
pub struct PriceList {
    /// The date on which the prices were collected: `2026-11-21`.
    pub as_of: String,
    regions: BTreeMap<String, Prices>,
}

/// Why prices are not available.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The list does not have the region.
    #[error("no prices are known for {region:?}; known are {known}")]
    UnknownRegion {
        /// The region.
        region: String,
        /// The regions of the list.
        known: String,
    },
    /// `prices.json` is not a valid price list.
    #[error("the price list cannot be read: {0}")]
    List(#[from] serde_json::Error),
}

impl PriceList {
    /// The list in this crate.
    ///
    /// # Errors
    /// If `prices.json` is not valid.
    pub fn built_in() -> Result<Self, PriceError> {
        Ok(serde_json::from_str(include_str!("../prices.json"))?)
    }

    /// The prices of a region: `us-east-1`.
    ///
    /// # Errors
    /// [`PriceError::UnknownRegion`] if the list does not have it.
    pub fn region(&self, region: &str) -> Result<&Prices, PriceError> {
        self.regions.get(region).ok_or_else(|| PriceError::UnknownRegion {
            region: region.to_owned(),
            known: self.regions().collect::<Vec<_>>().join(", "),
        })
    }

    /// The regions of the list, in alphabetical order.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.keys().map(String::as_str)
    }
}

impl Amount {
    const PER_DOLLAR: u64 = 1_000_000_000_000;

    #[cfg(test)]
    pub(crate) const fn picodollars(self) -> u64 {
        self.0
    }

    /// The amount times `count`.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        self.fraction(count, 1)
    }

    /// The amount times `count / parts`, rounded half up to a whole picodollar. Zero if `parts` is zero.
    #[must_use]
    pub fn fraction(self, count: u64, parts: u64) -> Self {
        let parts = u128::from(parts);
        // The product of two 64-bit numbers fits into 128 bits, also with half of the third added.
        let product = u128::from(self.0) * u128::from(count);
        let rounded = product.saturating_add(parts / 2).checked_div(parts).unwrap_or(0);
        Self(u64::try_from(rounded).unwrap_or(u64::MAX))
    }

    /// Dollars with this number of decimals (at most twelve), rounded half up.
    #[must_use]
    pub fn dollars(self, decimals: u32) -> String {
        let decimals = decimals.min(12);
        let step = 10_u64.pow(12 - decimals);
        let rounded = self.0.saturating_add(step / 2) / step;
        let scale = Self::PER_DOLLAR / step;
        if decimals == 0 {
            return rounded.to_string();
        }
        format!("{}.{:0width$}", rounded / scale, rounded % scale, width = decimals as usize)
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.dollars(12))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn us_east_1() -> Prices {
        PriceList::built_in().unwrap().region("us-east-1").unwrap().clone()
    }

    #[test]
    fn lambda_pricing_page_gb_second_and_request() {
        let prices = us_east_1();
        assert_eq!(prices.lambda_arm64_gb_second.dollars(10), "0.0000133334");
        assert_eq!(prices.lambda_x86_64_gb_second.dollars(10), "0.0000166667");
        assert_eq!(prices.lambda_request.times(1_000_000).dollars(2), "0.20");
    }

    #[test]
    fn dynamodb_on_demand_pricing_page_after_november_2024() {
        let prices = us_east_1();
        assert_eq!(prices.dynamodb_write_unit.times(1_000_000).dollars(3), "0.625");
        assert_eq!(prices.dynamodb_read_unit.times(1_000_000).dollars(3), "0.125");
    }

    #[test]
    fn api_gateway_sqs_and_cloudwatch_pricing_pages() {
        let prices = us_east_1();
        assert_eq!(prices.http_api_request.times(1_000_000).dollars(2), "1.00");
        assert_eq!(prices.sqs_standard_request.times(1_000_000).dollars(2), "0.40");
        assert_eq!(prices.sqs_fifo_request.times(1_000_000).dollars(2), "0.50");
        assert_eq!(prices.logs_ingested_gb.dollars(2), "0.50");
    }

    #[test]
    fn every_region_is_complete_and_names_the_sources_of_its_prices() {
        let list = PriceList::built_in().unwrap();
        assert_eq!(list.as_of.len(), "2026-11-21".len());
        for region in list.regions() {
            let prices = list.region(region).unwrap();
            assert!(!prices.basis.is_empty(), "{region}");
            assert!(prices.lambda_arm64_gb_second < prices.lambda_x86_64_gb_second, "{region}");
            assert!(prices.dynamodb_read_unit < prices.dynamodb_write_unit, "{region}");
            // Half a read unit must be a whole number of picodollars.
            assert_eq!(prices.dynamodb_read_unit.picodollars() % 2, 0, "{region}");
        }
    }

    #[test]
    fn the_error_for_an_unknown_region_names_the_known_ones() {
        let error = PriceList::built_in().unwrap().region("mars-north-1").unwrap_err().to_string();
        assert!(
            error.contains("mars-north-1") && error.contains("eu-west-1, us-east-1, us-west-2"),
            "{error}"
        );
    }

    #[test]
    fn amounts_are_exact_in_text_and_json() {
        let amount = Amount(1_000_013_333_400);
        assert_eq!(amount.to_string(), "1.000013333400");
        assert_eq!(serde_json::to_string(&amount).unwrap(), r#""1.000013333400""#);
        assert_eq!(Amount(5_000_000_000).dollars(2), "0.01", "half up");
        assert_eq!(Amount(4_999_999_999).dollars(2), "0.00");
        assert_eq!(Amount(1_500_000_000_000).dollars(0), "2");
    }

    proptest! {
        #[test]
        fn parts_of_an_amount_make_it_up(amount in 0_u64..1 << 60, parts in 1_u64..1000) {
            let amount = Amount(amount);
            let part = amount.fraction(1, parts);
            prop_assert!(part.times(parts).0.abs_diff(amount.0) <= parts);
            prop_assert_eq!(amount.fraction(parts, parts), amount);
        }

        #[test]
        fn no_arithmetic_panics(amount in any::<u64>(), count in any::<u64>(), parts in any::<u64>(), decimals in any::<u32>()) {
            let result = Amount(amount).fraction(count, parts) + Amount(amount);
            prop_assert!(!result.dollars(decimals).is_empty());
        }
    }
}
