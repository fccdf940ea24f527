//! Prints the table: the packages of the four functions beside one that does nothing. Fails where a bound is broken.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::Context as _;
use clap::Parser;
use door_table::process;
use local_stack::functions::Function;
use package_table::{
    bounds::{self, BARE, Row},
    drain, size,
    surroundings::Surroundings,
};

/// What the packages weigh, how fast their functions start, and what the worker needs.
#[derive(Parser)]
struct Options {
    /// For machines.
    #[arg(long)]
    json: bool,
    /// The folder with api/bootstrap and so on, which `cargo lambda build --release` makes.
    #[arg(long, default_value = "target/lambda")]
    packages: PathBuf,
    /// Starts of each function, of which the median counts.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..))]
    starts: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("there is no workspace")?;
    let packages = std::path::absolute(&options.packages)?;
    let mut functions = vec![(BARE.to_owned(), bare(workspace)?)];
    functions.extend(Function::ALL.map(|it| (it.name().to_owned(), packages.join(it.name()).join("bootstrap"))));
    for (name, binary) in &functions {
        anyhow::ensure!(
            binary.exists(),
            "{name}: there is no {}; `cargo lambda build --release` first",
            binary.display()
        );
    }
    process::keep_off().await?;

    let around = Surroundings::start().await?;
    let mut starts = vec![Vec::new(); functions.len()];
    // In turns, so that whatever else the machine does meets all of them.
    for _ in 0..options.starts {
        for ((name, binary), starts) in functions.iter().zip(&mut starts) {
            let function = around.function(binary).await.with_context(|| name.clone())?;
            function.process.stop().await?;
            starts.push(function.cold.as_secs_f64() * 1e3);
        }
    }
    let mut rows = Vec::new();
    for ((name, binary), starts) in functions.iter().zip(&mut starts) {
        let works = name == Function::Worker.name();
        let peak = if works { Some(drain::drain(binary).await.with_context(|| name.clone())?.peak) } else { None };
        let (zipped, start_millis) = (size::zipped(binary).await?, bounds::median(starts));
        rows.push(Row { name: name.clone(), zipped, start_millis, peak });
    }

    let broken = bounds::broken(&rows);
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{:#}", serde_json::json!({"functions": rows, "broken": broken}))?;
    } else {
        write!(out, "{}", bounds::table(&rows))?;
    }
    for bound in &broken {
        eprintln!("broken bound: {bound}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The bare function, by the profile of the packages.
fn bare(workspace: &Path) -> anyhow::Result<PathBuf> {
    let build = ["build", "--release", "--package", "bare", "--example", "bare", "--message-format", "json"];
    let output =
        Command::new("cargo").args(build).current_dir(workspace).stderr(std::process::Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "the bare function does not build");
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let built = messages
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .find(|message| message["target"]["name"] == "bare" && message["executable"].is_string());
    let path = built.context("cargo names no bare function")?["executable"].as_str().map(PathBuf::from);
    path.context("cargo names no bare function")
}
