//! The template's parameters that this program can give values to. It hosts other templates than the shop's too, so it gives
//! only those that the template declares.

use std::collections::{BTreeMap, BTreeSet};

use local_lambda::{Error, cli::Options};

/// The names of the parameters that the template declares.
#[derive(Debug)]
pub(crate) struct Declared(BTreeSet<String>);

impl Declared {
    /// Reads them from the template that the options name.
    pub(crate) fn of(options: &Options) -> Result<Self, Error> {
        Ok(Self(sam_template::parameter_names(&options.template)?))
    }

    /// Gives the declared ones among these parameters their values. Those of the command line come after them and count.
    pub(crate) fn supply(&self, options: &mut Options, values: BTreeMap<String, String>) {
        let declared = values.into_iter().filter(|(name, _)| self.contains(name));
        options.parameters.splice(0..0, declared);
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// The value that the options give a parameter.
pub(crate) fn given<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    options.parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
