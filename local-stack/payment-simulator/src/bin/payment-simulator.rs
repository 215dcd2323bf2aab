//! Serves the simulated payment provider by itself, for instance beside `sam local`.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use payment_simulator::{API_KEY, Behaviour, Simulator};
use payments::Latency;

/// A payment provider that moves no money and implements the part of Stripe's API that the shop uses.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 12111)]
    port: u16,
    /// How long each request takes: milliseconds, or a range of them.
    #[arg(long, default_value = "50..200")]
    latency_ms: Latency,
    /// The probability that a request fails, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    failure_rate: f64,
    /// Keeps the ledger in this file.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let behaviour = Behaviour {
        latency: arguments.latency_ms,
        failure_rate: arguments.failure_rate,
        ..Behaviour::default()
    };
    match Simulator::start(arguments.port, behaviour, arguments.journal.as_deref()).await {
        Ok(simulator) => {
            println!("{} takes the key {API_KEY}. Ctrl-C stops it.", simulator.url);
            match tokio::signal::ctrl_c().await {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
