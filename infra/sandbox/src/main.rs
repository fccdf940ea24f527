//! The sandbox as a program: `cargo run -p podio-sandbox --example sandbox-podio -- --profile documented`.
//!
//! Prints one line of JSON when it is ready; SIGINT and SIGTERM stop it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use podio_sandbox::config::CLIENT_ID;
use podio_sandbox::population::{LEAVER, ORG_ID};
use podio_sandbox::{Config, Population, Profile, Sandbox, WindowModel};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// A stateful stand-in for Podio.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Defaults of all switches: guide or documented.
    #[arg(long, default_value = "documented")]
    profile: Profile,
    /// One behaviour, as in `--switch org-delete=keeps-spaces`; may be repeated.
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    switches: Vec<String>,
    /// Calls in a window. Without --general-limit this is then the only ceiling.
    #[arg(long)]
    quota_limit: Option<u32>,
    /// A second, higher ceiling for calls that are not heavy.
    #[arg(long)]
    general_limit: Option<u32>,
    /// Length of a window in seconds.
    #[arg(long)]
    quota_window_seconds: Option<u32>,
    /// How windows are placed: fixed, first-call or sliding.
    #[arg(long, value_parser = window_model)]
    window_model: Option<WindowModel>,
    /// People in the organization.
    #[arg(long, default_value_t = 2_000)]
    members: usize,
    /// Spaces in the organization.
    #[arg(long, default_value_t = 200)]
    spaces: usize,
    /// Seed of the population.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keeps the state in this file over restarts.
    #[arg(long)]
    state: Option<PathBuf>,
}

fn window_model(name: &str) -> Result<WindowModel, serde_json::Error> {
    serde_json::from_value(json!(name))
}

fn config(arguments: Arguments) -> Result<Config, podio_sandbox::SwitchError> {
    let mut config = Config::new(arguments.profile);
    for switch in &arguments.switches {
        config.switches.apply(switch)?;
    }
    config.port = arguments.port;
    config.population = Population::standard(arguments.seed).members(arguments.members).spaces(arguments.spaces);
    config.state_file = arguments.state;
    if let Some(limit) = arguments.quota_limit {
        config.quota.limit = limit;
        config.quota.general_limit = None;
    }
    config.quota.general_limit = arguments.general_limit.or(config.quota.general_limit);
    config.quota.window_seconds = arguments.quota_window_seconds.unwrap_or(config.quota.window_seconds);
    config.quota.model = arguments.window_model.unwrap_or(config.quota.model);
    Ok(config)
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let sandbox = Sandbox::start(config(arguments)?).await?;
    announce(&sandbox.url());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    sandbox.stop().await;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "whoever started the program waits for this line on stdout")]
fn announce(url: &str) {
    let ready = json!({"ready": true, "podio": url, "org_id": ORG_ID, "client_id": CLIENT_ID, "leaver": LEAVER});
    println!("{ready}");
}
