//! Values for the parameters of template.yaml that have no default.

use std::collections::BTreeMap;

/// The template's parameters that have no default, with their values on a developer's machine: in `cargo run`, in tests, and
/// in samconfig.toml for `sam local`.
///
/// The secret protects nothing: everybody can read it here, and compute the ids of orders with it. A default in the template
/// would be taken over by deployments. A stack on this machine listens on loopback only, its orders are demo orders, and the
/// events of `events/` contain ids that are derived with this value.
#[must_use]
pub fn development_parameters() -> BTreeMap<String, String> {
    BTreeMap::from([("OrderIdSecret".to_owned(), "for-development-only-and-known-to-everybody".to_owned())])
}
