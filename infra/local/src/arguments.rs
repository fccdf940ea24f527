//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use local_stack::{
    Options,
    authorize::{self, Arrival, Order, Place},
    environment::{Process, expect_own_secrets},
    podio::Choice,
};
use podio_client::ClientSecret;
use podio_sandbox::{Config, Population, Profile, WindowModel};

/// Podio Lifecycle on one machine.
#[derive(Parser)]
#[command(name = "cargo local", bin_name = "cargo local")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Runs the stack until it is interrupted; one line of JSON on standard output says that it is ready.
    Up(Up),
    /// Prints the variables of a running `up` for a shell, so that `cargo lambda watch` serves the same stack by hand.
    Env(Env),
    /// Removes one leaver from a populated sandbox, end to end, and shows the evidence.
    Demo(Demo),
    /// Lets a deployed stack into Podio: asks in the browser, and keeps the refresh token where the worker reads it.
    Authorize(Authorize),
}

/// `cargo local up`
#[derive(Args)]
pub struct Up {
    /// Uses the Podio at this URL instead of a sandbox; its credentials are the PODIO_ variables. API_TOKENS, OFFBOARDING_SECRETS
    /// and HOOK_SECRET must be set to values of your own.
    #[arg(long, value_name = "URL")]
    podio_url: Option<String>,
    #[command(flatten)]
    stack: StackArguments,
    #[command(flatten)]
    sandbox: SandboxArguments,
}

/// `cargo local env`: `eval "$(cargo local env)"`
#[derive(Args)]
pub struct Env {
    /// The stack with this port, in place of the newest.
    #[arg(long)]
    pub port: Option<u16>,
    /// The stack that keeps its data in this folder, in place of the newest.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `cargo local demo`
#[derive(Args)]
pub struct Demo {
    /// Prints the result as one JSON document on standard output.
    #[arg(long)]
    pub json: bool,
    /// Gives up after so many seconds.
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    patience: u64,
    #[command(flatten)]
    stack: StackArguments,
    #[command(flatten)]
    sandbox: SandboxArguments,
}

/// `cargo local authorize`
///
/// The API key's secret is taken from PODIO_CLIENT_SECRET, never from the command line; where neither it nor the id is
/// given, the key that is kept already is used.
#[derive(Args)]
pub struct Authorize {
    /// The API key's id.
    #[arg(long, env = "PODIO_CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,
    /// The Secrets Manager entry of the stack, by name or ARN. AWS credentials are taken from the environment.
    #[arg(long, value_name = "ID", conflicts_with = "file", required_unless_present = "file")]
    secret: Option<String>,
    /// A file in place of it, which only its owner may read.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Where the browser comes back to; on the domain that the API key is registered for.
    #[arg(long, default_value = "http://localhost:8765/", value_name = "URL")]
    redirect_uri: String,
    /// Takes the address that the browser ends at from standard input, for a domain that is not this machine.
    #[arg(long)]
    pub paste: bool,
    /// Says what would be done, and asks and stores nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints the result as one JSON document on standard output.
    #[arg(long)]
    pub json: bool,
    /// Podio.
    #[arg(long, env = "PODIO_API_URL", default_value = "https://api.podio.com", value_name = "URL")]
    podio_url: String,
    /// Podio's page that asks.
    #[arg(long, default_value = authorize::CONSENT_URL, value_name = "URL")]
    authorize_url: String,
    /// Gives up after so many seconds.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    patience: u64,
}

impl Authorize {
    pub fn order(&self) -> anyhow::Result<Order> {
        let secret = std::env::var("PODIO_CLIENT_SECRET").ok().filter(|secret| !secret.trim().is_empty());
        let place = match (&self.secret, &self.file) {
            (Some(id), _) => {
                podio_aws::runtime::install_tls();
                Place::Secret(podio_aws::config::secrets_manager(&podio_aws::config::sdk_config()), id.clone())
            }
            (None, Some(file)) => Place::File(file.clone()),
            (None, None) => anyhow::bail!("neither --secret nor --file is given"),
        };
        Ok(Order {
            client_id: self.client_id.clone().filter(|id| !id.trim().is_empty()),
            client_secret: secret.map(ClientSecret::new),
            podio_url: self.podio_url.clone(),
            consent_url: self.authorize_url.clone(),
            redirect_uri: self.redirect_uri.clone(),
            arrival: if self.paste { Arrival::Paste } else { Arrival::Listen },
            place,
            dry_run: self.dry_run,
            patience: Duration::from_secs(self.patience),
        })
    }
}

#[derive(Args)]
struct StackArguments {
    /// The port that callers see; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serves the API under this path, such as /podio, as a custom domain with an API mapping does.
    #[arg(long, default_value = "", value_parser = base_path, hide_default_value = true, value_name = "PATH")]
    base_path: String,
    /// Keeps the data in this folder for the next run.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Runs the functions of the release profile.
    #[arg(long)]
    release: bool,
    /// How often the sweep runs.
    #[arg(long, env = "SWEEP_SECONDS", default_value_t = 60, value_name = "SECONDS")]
    sweep_seconds: u64,
}

#[derive(Args)]
struct SandboxArguments {
    /// How the sandbox behaves: guide or documented.
    #[arg(long, default_value = "documented")]
    profile: Profile,
    /// One behaviour of the sandbox; may be repeated.
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    switches: Vec<String>,
    /// How the sandbox places its quota windows: fixed, first-call or sliding.
    #[arg(long, value_parser = window_model)]
    window_model: Option<WindowModel>,
    /// Calls that the sandbox allows in a window.
    #[arg(long, env = "QUOTA_LIMIT", value_name = "CALLS")]
    quota_limit: Option<u32>,
    /// The length of such a window.
    #[arg(long, env = "QUOTA_WINDOW_SECONDS", value_name = "SECONDS")]
    quota_window_seconds: Option<u32>,
    /// People in the sandbox's organization.
    #[arg(long, default_value_t = 2_000)]
    members: usize,
    /// Spaces in the sandbox's organization.
    #[arg(long, default_value_t = 200)]
    spaces: usize,
    /// The leaver's spaces among them.
    #[arg(long, default_value_t = 12)]
    leaver_spaces: usize,
}

impl Up {
    pub fn options(&self) -> anyhow::Result<Options> {
        let podio = match &self.podio_url {
            Some(url) => {
                expect_own_secrets(&Process)?;
                Choice::At(url.trim_end_matches('/').to_owned())
            }
            None => self.sandbox.choice()?,
        };
        Ok(self.stack.options(podio))
    }
}

impl Demo {
    pub fn options(&self) -> anyhow::Result<Options> {
        // The functions' log would run through the picture.
        Ok(Options { log: "warn", ..self.stack.options(self.sandbox.choice()?) })
    }

    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}

impl StackArguments {
    fn options(&self, podio: Choice) -> Options {
        Options {
            port: self.port,
            base_path: self.base_path.clone(),
            data: self.data.clone(),
            release: self.release,
            sweep_pace: Duration::from_secs(self.sweep_seconds),
            ..Options::new(podio)
        }
    }
}

impl SandboxArguments {
    fn choice(&self) -> anyhow::Result<Choice> {
        let mut config = Config::new(self.profile);
        for switch in &self.switches {
            config.switches.apply(switch)?;
        }
        if let Some(limit) = self.quota_limit {
            config.quota.limit = limit;
            // One ceiling was asked for, so there is one.
            config.quota.general_limit = None;
        }
        config.quota.window_seconds = self.quota_window_seconds.unwrap_or(config.quota.window_seconds);
        config.quota.model = self.window_model.unwrap_or(config.quota.model);
        config.population = Population::new(1)
            .members(self.members)
            .spaces(self.spaces)
            .leaver("Jane Doe", podio_sandbox::population::LEAVER, self.leaver_spaces)
            .sole_member("Solomon Lone", podio_sandbox::population::SOLE_MEMBER)
            .last_admin("Ada Steward", podio_sandbox::population::LAST_ADMIN)
            .invited("Ivy Invited", podio_sandbox::population::INVITED)
            .without_profile("Noah Blank", podio_sandbox::population::WITHOUT_PROFILE);
        Ok(Choice::Sandbox(Box::new(config)))
    }
}

fn window_model(name: &str) -> Result<WindowModel, serde_json::Error> {
    serde_json::from_value(name.into())
}

/// `/podio` of `podio`, `/podio` or `/podio/`; nothing of nothing.
fn base_path(text: &str) -> Result<String, &'static str> {
    let known = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    let path = text.trim_matches('/');
    if path.contains("//") || !path.chars().all(known) {
        return Err("letters, digits and . - _ in segments, as the key of an API mapping");
    }
    Ok(if path.is_empty() { String::new() } else { format!("/{path}") })
}
