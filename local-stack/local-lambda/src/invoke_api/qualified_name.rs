//! The names that callers give functions: `FunctionName` and `Qualifier` of Lambda's API.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use crate::{aws_account::AwsAccount, hosted_function::HostedFunction};

/// The only version of a function here.
pub(super) const LATEST: &str = "$LATEST";

/// A function's name with its version or alias, if one is named.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QualifiedName {
    name: String,
    qualifier: Option<String>,
}

impl QualifiedName {
    /// Reads `NAME`, `ACCOUNT:function:NAME` or an ARN, each with an optional `:QUALIFIER`, which may also be the parameter
    /// `Qualifier` of the query.
    pub(super) fn read(
        segment: &str,
        query: &BTreeMap<String, String>,
        account: &AwsAccount,
    ) -> Result<Self, Refusal> {
        let whole = percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let start = format!("arn:aws:lambda:{}:", account.region);
        let parts: Vec<_> = whole.strip_prefix(&start).unwrap_or(&whole).split(':').collect();
        let parts = match parts.as_slice() {
            [id, "function", rest @ ..] if *id == account.id => rest,
            parts => parts,
        };
        let (name, own) = match parts {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            _ => (whole.as_str(), None),
        };
        let given = query.get("Qualifier").map(String::as_str);
        if let (Some(own), Some(given)) = (own, given)
            && own != given
        {
            return Err(Refusal::invalid(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        Ok(Self { name: name.to_owned(), qualifier: own.or(given).map(str::to_owned) })
    }

    /// The function that is named, by its name or its logical id.
    pub(super) fn find<'a>(
        &self,
        functions: &'a [HostedFunction],
        account: &AwsAccount,
    ) -> Result<&'a HostedFunction, Refusal> {
        let named = |function: &&HostedFunction| {
            function.declaration.logical_id == self.name || function.pool.name() == self.name
        };
        let Some(function) = functions.iter().find(named) else {
            let names: Vec<_> = functions.iter().map(|function| function.pool.name()).collect();
            let (arn, names) = (account.arn("lambda", &format!("function:{}", self.name)), names.join(", "));
            return Err(Refusal::not_found(&format!("Function not found: {arn}. The template has: {names}")));
        };
        let alias = function.declaration.alias.as_deref();
        match &self.qualifier {
            Some(qualifier) if qualifier != LATEST && Some(qualifier.as_str()) != alias => {
                let qualifiers: Vec<_> = std::iter::once(LATEST).chain(alias).collect();
                Err(Refusal::not_found(&format!(
                    "Function not found: {}:{qualifier}. The function has: {}",
                    function.pool.arn(),
                    qualifiers.join(", ")
                )))
            }
            _ => Ok(function),
        }
    }

    /// The ARN of the function that is named, with its qualifier, as AWS reports it.
    pub(super) fn arn(&self, function: &HostedFunction) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", function.pool.arn()),
            None => function.pool.arn(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(segment: &str, qualifier: Option<&str>) -> Option<(String, Option<String>)> {
        let account = AwsAccount { id: "000000000000".to_owned(), region: "eu-west-1".to_owned() };
        let query = qualifier.map(|qualifier| ("Qualifier".to_owned(), qualifier.to_owned()));
        let read = QualifiedName::read(segment, &query.into_iter().collect(), &account).ok()?;
        Some((read.name, read.qualifier))
    }

    #[test]
    fn api_invoke_function_names_have_three_forms_each_with_an_optional_qualifier() {
        let plain = Some(("puppet".to_owned(), None));
        let live = Some(("puppet".to_owned(), Some("live".to_owned())));
        for form in [
            "puppet",
            "000000000000:function:puppet",
            "arn:aws:lambda:eu-west-1:000000000000:function:puppet",
        ] {
            assert_eq!(read(form, None), plain, "{form}");
            assert_eq!(read(&form.replace(':', "%3A"), None), plain, "{form}");
            assert_eq!(read(&format!("{form}:live"), None), live, "{form}");
            assert_eq!(read(form, Some("live")), live, "{form}");
            assert_eq!(read(&format!("{form}:live"), Some("live")), live, "{form}");
            assert_eq!(read(&format!("{form}:live"), Some("other")), None, "{form}");
        }
        let elsewhere = "arn:aws:lambda:us-east-1:000000000000:function:puppet";
        assert_eq!(read(elsewhere, None), Some((elsewhere.to_owned(), None)), "a function of another region");
    }
}
