//! DynamoDB numbers: their size and equality.

/// A decimal number in canonical form: `1.0`, `01` and `1e0` are equal.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    negative: bool,
    /// Significant digits, without leading and trailing zeros; empty for zero.
    digits: String,
    /// The number of digits before the decimal point; negative for `0.001`.
    point: i64,
}

impl Number {
    /// Parses an optional sign, digits with an optional point, and an optional exponent. Other text, which DynamoDB rejects,
    /// results in some number.
    pub(super) fn read(text: &str) -> Self {
        let text = text.trim();
        let (negative, magnitude) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading = all.len() - significant.len();
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Self { negative: false, digits, point: 0 };
        }
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let before = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let point = (before(whole.len()) - before(leading)).saturating_add(exponent);
        Self { negative, digits, point }
    }

    /// The size in bytes: 1, and 1 for each two significant digits, counted on both sides of the decimal point, and 1 for a
    /// minus sign.
    ///
    /// AWS calls its documented rule approximate
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>). This finer
    /// one was measured on the real service at the 400 KB limit by the authors of dynoxide
    /// (<https://github.com/nubo-db/dynoxide>, changelog of 1.0).
    pub(super) fn size(&self) -> u64 {
        let digits = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let whole = self.point.clamp(0, digits).unsigned_abs();
        let fraction = digits.unsigned_abs() - whole;
        1 + whole.div_ceil(2) + fraction.div_ceil(2) + u64::from(self.negative)
    }

    /// The canonical text of the number.
    pub(super) fn text(&self) -> String {
        format!("{}{}e{}", if self.negative { "-" } else { "" }, self.digits, self.point)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn capacity_unit_calculations_page_one_byte_for_two_digits_and_one_more() {
        for (text, size) in [("0", 1), ("7", 2), ("42", 2), ("123", 3), ("1234", 3), ("-42", 3)] {
            assert_eq!(Number::read(text).size(), size, "{text}");
        }
        // 38 digits, the most that a number can have.
        assert_eq!(Number::read("12345678901234567890123456789012345678").size(), 20);
    }

    #[test]
    fn capacity_unit_calculations_page_leading_and_trailing_zeros_are_trimmed() {
        for text in ["5", "005", "5.00", "5000", "0.0005", "5e100", "+5E-7"] {
            assert_eq!(Number::read(text).size(), 2, "{text}");
        }
        assert_eq!(Number::read("-0.0"), Number::read("0"));
    }

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        for (one, other) in [("1", "1.0"), ("100", "1e2"), ("0.5", ".5"), ("12.5", "0125e-1")] {
            assert_eq!(Number::read(one), Number::read(other), "{one} {other}");
            assert_eq!(Number::read(one).text(), Number::read(other).text());
        }
        assert_ne!(Number::read("1"), Number::read("10"));
        assert_ne!(Number::read("1"), Number::read("-1"));
        assert_ne!(Number::read("0.1"), Number::read("0.01"));
    }

    proptest! {
        #[test]
        fn a_size_is_within_a_byte_of_the_documented_approximation(number in any::<i64>()) {
            let digits = number.unsigned_abs().to_string();
            let significant = digits.trim_end_matches('0').len() as u64;
            let size = Number::read(&number.to_string()).size();
            let documented = 1 + significant.div_ceil(2) + u64::from(number < 0);
            prop_assert!(size.abs_diff(documented) <= 1, "{number}: {size}, {documented}");
        }

        #[test]
        fn an_exponent_moves_the_point_and_nothing_else(number in any::<i32>(), exponent in 0_u32..30) {
            let plain = Number::read(&format!("{number}{}", "0".repeat(exponent as usize)));
            prop_assert_eq!(plain, Number::read(&format!("{number}e{exponent}")));
        }

        #[test]
        fn any_text_is_parsed(text in ".{0,40}") {
            Number::read(&text).size();
        }
    }
}
