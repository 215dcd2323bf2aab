//! The simulated payment provider beside the stack.

use std::fs;

use local_lambda::{Error, cli::Options};
use payment_simulator::{Behaviour, Simulator, StartError};
use payments::Latency;

use crate::parameters::{Declared, given};

/// The template's parameters for payments.
const PROVIDER: &str = "PaymentProvider";
pub(crate) const PROVIDER_URL: &str = "PaymentProviderUrl";
const LATENCY: &str = "PaymentLatencyMs";
const FAILURE_RATE: &str = "PaymentFailureRate";
/// The simulator's file in the data folder.
const JOURNAL: &str = "payment-provider.jsonl";

/// Starts the simulator and sets the template's parameter for its URL, unless the template has none, or the options name
/// another provider.
pub(crate) async fn start(
    options: &mut Options,
    declared: &Declared,
    port: u16,
) -> Result<Option<Simulator>, Error> {
    let parameter = |name: &str| given(options, name);
    let other_provider = parameter(PROVIDER).is_some_and(|provider| provider != "simulated");
    if !declared.contains(PROVIDER_URL) || other_provider || parameter(PROVIDER_URL).is_some() {
        return Ok(None);
    }
    let latency = parameter(LATENCY).map_or(Ok(Latency::default()), str::parse);
    let failure_rate = parameter(FAILURE_RATE).map_or(Ok(0.0), rate);
    let invalid = |name| move |why| Error::Parameter { name, why };
    let behaviour = Behaviour {
        latency: latency.map_err(invalid(LATENCY))?,
        failure_rate: failure_rate.map_err(invalid(FAILURE_RATE))?,
        ..Behaviour::default()
    };
    // The stack reports a data folder that cannot be used.
    let folder = options.data.as_ref().filter(|folder| fs::create_dir_all(folder).is_ok());
    let journal = folder.map(|folder| folder.join(JOURNAL));
    let simulator =
        Simulator::start(port, behaviour, journal.as_deref()).await.map_err(|error| match error {
            StartError::Port { port, .. } => Error::PortTaken { port, flag: "--payment-port" },
            StartError::Journal { path, cause } => Error::System { action: format!("use {path}"), cause },
        })?;
    options.parameters.push((PROVIDER_URL.to_owned(), simulator.url.clone()));
    options.web_services.push(simulator.url.clone());
    Ok(Some(simulator))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}
