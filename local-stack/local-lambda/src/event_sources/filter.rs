//! `FilterCriteria`: which items of an event source invoke the function.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>: an item matches if one of
//! the patterns does; a pattern matches if all its members do; a list matches if one of its rules does.

use sam_template::{FilterCriteria, Located, Problem};
use serde_json::{Map, Value};

/// Compiled patterns. Without any, every item matches.
#[derive(Debug, Default)]
pub struct Filter(Vec<Pattern>);

#[derive(Debug)]
enum Pattern {
    /// All members match.
    All(Vec<(String, Pattern)>),
    /// One of the alternatives matches.
    Any(Vec<Pattern>),
    /// One of the rules matches the value.
    Value(Vec<Rule>),
}

#[derive(Debug)]
enum Rule {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    Exists(bool),
    AnythingBut(Vec<Rule>),
    /// Each comparison holds.
    Numeric(Vec<(Comparison, f64)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

impl Filter {
    /// Compiles the template's patterns.
    ///
    /// # Errors
    /// The first pattern that is malformed or not supported.
    pub fn compile(criteria: &FilterCriteria) -> Result<Self, Problem> {
        let patterns = criteria.0.iter().map(|Located { at, text }| {
            let at = |message: String| Problem::new(*at, message);
            let json: Value = serde_json::from_str(text)
                .map_err(|error| at(format!("the pattern is not JSON: {error}")))?;
            let members = json.as_object().ok_or_else(|| at("a pattern must be an object".to_owned()))?;
            object(members).map_err(at)
        });
        patterns.collect::<Result<_, _>>().map(Self)
    }

    /// Whether an item matches.
    #[must_use]
    pub fn passes(&self, item: &Value) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.matches(Some(item)))
    }
}

fn object(members: &Map<String, Value>) -> Result<Pattern, String> {
    let mut all = Vec::with_capacity(members.len());
    for (name, value) in members {
        let pattern = match value {
            Value::Array(alternatives) if name == "$or" => {
                let alternatives = alternatives
                    .iter()
                    .map(|alternative| object(alternative.as_object().ok_or("$or must list objects")?));
                Pattern::Any(alternatives.collect::<Result<_, String>>()?)
            }
            Value::Object(members) => object(members)?,
            Value::Array(rules) => Pattern::Value(rules.iter().map(rule).collect::<Result<_, _>>()?),
            _ => return Err(format!("{name} must be an object or a list of rules, not {value}")),
        };
        all.push((name.clone(), pattern));
    }
    Ok(Pattern::All(all))
}

fn rule(value: &Value) -> Result<Rule, String> {
    let Some(members) = value.as_object() else { return Ok(Rule::Equals(value.clone())) };
    let (Some((operator, operand)), 1) = (members.iter().next(), members.len()) else {
        return Err(format!("{value} is not a rule: it must have one operator"));
    };
    let text = || {
        operand.as_str().map(str::to_owned).ok_or_else(|| format!("{operator} takes a string, not {operand}"))
    };
    match operator.as_str() {
        "prefix" => text().map(Rule::Prefix),
        "suffix" => text().map(Rule::Suffix),
        "equals-ignore-case" => text().map(Rule::EqualsIgnoreCase),
        "exists" => {
            operand.as_bool().map(Rule::Exists).ok_or_else(|| "exists takes true or false".to_owned())
        }
        "anything-but" => match operand {
            Value::Array(rules) => rules.iter().map(rule).collect::<Result<_, _>>().map(Rule::AnythingBut),
            other => Ok(Rule::AnythingBut(vec![rule(other)?])),
        },
        "numeric" => numeric(operand),
        other => Err(format!(
            "the operator {other} is not supported: prefix, suffix, equals-ignore-case, exists, anything-but, numeric and $or are"
        )),
    }
}

fn numeric(operand: &Value) -> Result<Rule, String> {
    let malformed = || format!("numeric takes comparisons such as [\">\", 0, \"<=\", 5], not {operand}");
    let parts = operand.as_array().ok_or_else(malformed)?;
    let comparisons = parts.chunks(2).map(|pair| {
        let [operator, number] = pair else { return Err(malformed()) };
        let comparison = match operator.as_str() {
            Some("<") => Comparison::Less,
            Some("<=") => Comparison::AtMost,
            Some("=") => Comparison::Equal,
            Some(">=") => Comparison::AtLeast,
            Some(">") => Comparison::Greater,
            _ => return Err(malformed()),
        };
        Ok((comparison, number.as_f64().ok_or_else(malformed)?))
    });
    comparisons.collect::<Result<_, _>>().map(Rule::Numeric)
}

impl Pattern {
    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::All(members) => members.iter().all(|(name, pattern)| match pattern {
                // `$or` applies to the object that contains it.
                Self::Any(_) => pattern.matches(value),
                _ => pattern.matches(value.and_then(|value| value.get(name))),
            }),
            Self::Any(alternatives) => alternatives.iter().any(|pattern| pattern.matches(value)),
            Self::Value(rules) => rules.iter().any(|rule| rule.matches(value)),
        }
    }
}

impl Rule {
    fn matches(&self, value: Option<&Value>) -> bool {
        if let Self::Exists(expected) = self {
            // `exists` applies to leaves only: not to the object `NewImage.name`, but to `NewImage.name.S`.
            return value.is_some_and(|value| !value.is_object()) == *expected;
        }
        match value {
            None => false,
            Some(Value::Array(values)) => values.iter().any(|value| self.matches_one(value)),
            Some(value) => self.matches_one(value),
        }
    }

    fn matches_one(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Equals(expected) => match (expected.as_f64(), value.as_f64()) {
                (Some(expected), Some(value)) => (expected - value).abs() < f64::EPSILON,
                _ => expected == value,
            },
            Self::EqualsIgnoreCase(expected) => text.is_some_and(|text| text.eq_ignore_ascii_case(expected)),
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::Exists(expected) => *expected,
            Self::AnythingBut(rules) => !rules.iter().any(|rule| rule.matches_one(value)),
            Self::Numeric(comparisons) => value.as_f64().is_some_and(|value| {
                comparisons.iter().all(|(comparison, bound)| comparison.holds(value, *bound))
            }),
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::Equal => (value - bound).abs() < f64::EPSILON,
            Self::AtLeast => value >= bound,
            Self::Greater => value > bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use sam_template::Position;
    use serde_json::json;

    use super::*;

    fn filter(patterns: &[&str]) -> Result<Filter, Problem> {
        let patterns = patterns
            .iter()
            .enumerate()
            .map(|(index, pattern)| (Position { line: index + 1, column: 1 }, (*pattern).to_owned()))
            .map(|(at, text)| Located { at, text });
        Filter::compile(&FilterCriteria(patterns.collect()))
    }

    fn passes(pattern: &str, item: &Value) -> bool {
        filter(&[pattern]).unwrap().passes(item)
    }

    #[test]
    fn invocation_eventfiltering_rules() {
        let item =
            json!({"name": "Order", "price": 42, "tags": ["a", "b"], "none": null, "deep": {"er": "x"}});
        for (pattern, expected) in [
            (r#"{"name":["Order"]}"#, true),
            (r#"{"name":["order"]}"#, false),
            (r#"{"name":[{"equals-ignore-case":"order"}]}"#, true),
            (r#"{"name":[{"prefix":"Or"}]}"#, true),
            (r#"{"name":[{"suffix":"der"}]}"#, true),
            (r#"{"name":[{"anything-but":["Other"]}]}"#, true),
            (r#"{"name":[{"anything-but":{"prefix":"Or"}}]}"#, false),
            (r#"{"price":[42]}"#, true),
            (r#"{"price":[{"numeric":[">",40,"<=",42]}]}"#, true),
            (r#"{"price":[{"numeric":["<",42]}]}"#, false),
            (r#"{"tags":["b"]}"#, true),
            (r#"{"none":[null]}"#, true),
            (r#"{"missing":[{"exists":false}]}"#, true),
            (r#"{"name":[{"exists":false}]}"#, false),
            (r#"{"deep":{"er":["x"]}}"#, true),
            (r#"{"deep":{"er":["y"]}}"#, false),
            (r#"{"name":["Order"],"price":[1]}"#, false),
            (r#"{"$or":[{"name":["No"]},{"price":[42]}]}"#, true),
            ("{}", true),
        ] {
            assert_eq!(passes(pattern, &item), expected, "{pattern}");
        }
    }

    #[test]
    fn with_ddb_filtering_only_leaves_exist() {
        let item = json!({"dynamodb": {"NewImage": {"name": {"S": "x"}}}});
        for (pattern, expected) in [
            (r#"{"dynamodb":{"NewImage":{"name":{"S":[{"exists":true}]}}}}"#, true),
            (r#"{"dynamodb":{"NewImage":{"name":[{"exists":true}]}}}"#, false),
            (r#"{"dynamodb":{"NewImage":{"name":[{"exists":false}]}}}"#, true),
            (r#"{"dynamodb":{"NewImage":{"name":{"S":[{"exists":false}]}}}}"#, false),
            (r#"{"dynamodb":{"OldImage":{"name":{"S":[{"exists":false}]}}}}"#, true),
        ] {
            assert_eq!(passes(pattern, &item), expected, "{pattern}");
        }
    }

    #[test]
    fn with_ddb_filtering_numbers_of_items_are_texts() {
        let item = json!({"dynamodb": {"NewImage": {"price": {"N": "150"}}, "SizeBytes": 26}});
        for (pattern, expected) in [
            (r#"{"dynamodb":{"NewImage":{"price":{"N":[{"numeric":[">",100]}]}}}}"#, false),
            (r#"{"dynamodb":{"NewImage":{"price":{"N":[150]}}}}"#, false),
            (r#"{"dynamodb":{"NewImage":{"price":{"N":["150"]}}}}"#, true),
            (r#"{"dynamodb":{"SizeBytes":[{"numeric":[">",20]}]}}"#, true),
        ] {
            assert_eq!(passes(pattern, &item), expected, "{pattern}");
        }
    }

    #[test]
    fn one_of_several_patterns_is_enough_and_without_patterns_all_items_match() {
        let item = json!({"a": 1});
        assert!(filter(&[r#"{"a":[2]}"#, r#"{"a":[1]}"#]).unwrap().passes(&item));
        assert!(filter(&[]).unwrap().passes(&item));
    }

    #[test]
    fn errors_name_the_line_of_the_pattern() {
        assert_eq!(filter(&["{}", "nonsense"]).unwrap_err().at.line, 2);
        assert!(
            filter(&[r#"{"a":[{"cidr":"10.0.0.0/8"}]}"#])
                .unwrap_err()
                .message
                .contains("cidr is not supported")
        );
        assert!(filter(&[r#"{"a":"b"}"#]).is_err());
    }
}
