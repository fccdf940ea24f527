//! Prints the table: the hooks function, and minimal handlers in Python and Node that do the same.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::Parser;
use door_table::{
    backend::Backend,
    bounds,
    contestant::{self, Contestant},
    process, table,
};
use local_stack::{functions::Function, host::build};

/// What a delivery of Podio's costs at the door, on one core.
#[derive(Parser)]
struct Options {
    /// For machines.
    #[arg(long)]
    json: bool,
    /// Deliveries to each door.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    deliveries: u64,
    /// A folder that holds the function's binary, which is then not built.
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Only doors whose names contain this; the bounds want all of them.
    #[arg(long, default_value = "")]
    only: String,
    /// Starts of each door, of which the median counts.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    starts: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("there is no workspace")?;
    let doors = doors(workspace, &options).await?;
    process::keep_off().await?;

    let mut starts = vec![Vec::<Duration>::new(); doors.len()];
    let backend = Backend::start().await?;
    // In turns, so that whatever else the machine does meets all of them.
    for turn in 1..=options.starts {
        for (door, starts) in doors.iter().zip(&mut starts) {
            tell(&format!("{}: start {turn} of {}", door.name, options.starts));
            starts.push(contestant::cold_start(door, &backend).await?);
        }
    }
    let mut rows = Vec::new();
    for (door, starts) in doors.iter().zip(&starts) {
        tell(&format!("{}: {} deliveries", door.name, options.deliveries));
        rows.push(contestant::row(door, options.deliveries, starts).await?);
    }
    tell("");

    let broken = bounds::broken(&rows);
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{:#}", serde_json::json!({"doors": rows, "broken": broken}))?;
    } else {
        write!(out, "{}", table::text(&rows))?;
    }
    for bound in &broken {
        eprintln!("broken bound: {bound}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The doors of those names; the function is built if it is among them.
async fn doors(workspace: &Path, options: &Options) -> anyhow::Result<Vec<Contestant>> {
    let mut doors = contestant::handlers().await?;
    doors.retain(|door| door.name.contains(&options.only));
    if contestant::FUNCTION.contains(&options.only) {
        let folder = match &options.binaries {
            Some(folder) => std::path::absolute(folder)?,
            None => build::some(workspace, true, &[Function::Hooks]).await?,
        };
        doors.insert(0, contestant::function(&folder));
    }
    Ok(doors)
}

/// Progress on the standard error stream.
fn tell(what: &str) {
    // A log is no place for a line that rewrites itself.
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}
