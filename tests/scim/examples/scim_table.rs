//! Prints the table: how long the SCIM door takes for its answers where there are 50,000 users. Fails where a bound is broken.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::Context as _;
use clap::Parser;
use door_table::process;
use local_stack::{functions::Function, host::build};
use scim_table::{
    bounds,
    crowd::{Crowd, told},
};

/// How long the SCIM door takes for its answers.
#[derive(Parser)]
struct Options {
    /// For machines.
    #[arg(long)]
    json: bool,
    /// The function; by default it is built by the release profile.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Users in the table.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..))]
    users: u32,
    /// Look-ups of each kind.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..))]
    requests: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("there is no workspace")?;
    let binary = match &options.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => build::some(workspace, true, &[Function::Scim]).await?.join(Function::Scim.name()),
    };
    process::keep_off().await?;
    let started = Instant::now();
    let crowd = Crowd::gather(options.users).await?;
    told(&format!("{} users stored", options.users), started);
    let rows = crowd.measure(&binary, options.requests).await?;
    let broken = bounds::broken(&rows);
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{:#}", serde_json::json!({"users": options.users, "requests": rows, "broken": broken}))?;
    } else {
        write!(out, "{}", bounds::table(&rows))?;
    }
    for bound in &broken {
        eprintln!("broken bound: {bound}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
