//! Prints the table: the hooks function, and handlers in Python and Node that do the same.

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
    bench::{self, Bench},
    bounds, conduct,
    contestant::{self, Contestant},
    install,
    measured::Row,
    process, table,
};
use local_stack::{functions::Function, host::build};

/// The deliveries come in so many rounds.
const ROUNDS: u64 = 5;

/// What a delivery of Podio's costs at the door, on one core.
#[derive(Parser)]
struct Options {
    /// For machines.
    #[arg(long)]
    json: bool,
    /// Deliveries to each door, in five rounds.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(ROUNDS..))]
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
    let mut broken = Vec::new();
    for door in &doors {
        tell(&format!("{}: does it do what the others do?", door.name));
        broken.extend(conduct::deviations(door.name, &conduct::observe(door).await?));
    }
    let starts = starts(&doors, options.starts).await?;
    let rows = rows(&doors, &starts, options.deliveries / ROUNDS).await?;
    tell("");

    broken.extend(bounds::broken(&rows));
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

/// The doors of those names; the function is built and the handlers are installed if they are among them.
async fn doors(workspace: &Path, options: &Options) -> anyhow::Result<Vec<Contestant>> {
    let handlers = workspace.join("target").join("doors");
    let mut doors = contestant::handlers(&handlers).await?;
    doors.retain(|door| door.name.contains(&options.only));
    if !doors.is_empty() {
        tell("installing the handlers");
        install::handlers(&handlers).await?;
    }
    if contestant::FUNCTION.contains(&options.only) {
        let folder = match &options.binaries {
            Some(folder) => std::path::absolute(folder)?,
            None => build::some(workspace, true, &[Function::Hooks]).await?,
        };
        doors.insert(0, contestant::function(&folder));
    }
    Ok(doors)
}

/// Starts each door so many times. In turns, so that whatever else the machine does meets all of them.
async fn starts(doors: &[Contestant], turns: u32) -> anyhow::Result<Vec<Vec<Duration>>> {
    let mut starts = vec![Vec::new(); doors.len()];
    let backend = Backend::start().await?;
    for turn in 1..=turns {
        for (door, starts) in doors.iter().zip(&mut starts) {
            tell(&format!("{}: start {turn} of {turns}", door.name));
            starts.push(bench::cold_start(door, &backend).await?);
        }
    }
    Ok(starts)
}

/// The rows, from rounds of so many deliveries. In turns as well.
async fn rows(doors: &[Contestant], starts: &[Vec<Duration>], deliveries: u64) -> anyhow::Result<Vec<Row>> {
    let mut benches = Vec::new();
    for door in doors {
        tell(&format!("{}: warming up", door.name));
        benches.push((door.name, Bench::start(door).await?));
    }
    for round in 1..=ROUNDS {
        for (name, bench) in &mut benches {
            tell(&format!("{name}: round {round} of {ROUNDS}"));
            bench.round(deliveries).await?;
        }
    }
    let mut rows = Vec::new();
    for ((_, bench), starts) in benches.into_iter().zip(starts) {
        rows.push(bench.finish(starts).await?);
    }
    Ok(rows)
}

/// Progress on the standard error stream.
fn tell(what: &str) {
    // A log is no place for a line that rewrites itself.
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}
