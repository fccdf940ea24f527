//! Runs seeds, or one seed with a trace to read.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use simulation::{
    Run,
    report::{Report, complaint},
};

/// The whole product in virtual time, one seed after the other.
#[derive(Parser)]
struct Options {
    /// One seed only.
    #[arg(long)]
    seed: Option<u64>,
    /// With one seed: everything that happens, to read.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    first: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    if let Some(seed) = options.seed {
        let verdict = Run { readable: options.trace, listen: true, ..Run::of(seed) }.verdict();
        for line in &verdict.lines {
            let _ = writeln!(out, "{line}");
        }
        let _ = writeln!(out, "trace {:016x}, {:#} simulated", verdict.hash, verdict.took);
        if verdict.violations.is_empty() {
            return ExitCode::SUCCESS;
        }
        let _ = writeln!(out, "{}", complaint(&verdict));
        return ExitCode::FAILURE;
    }
    let report = Report::of(options.first, options.seeds, |done| {
        if done % 500 == 0 {
            let _ = writeln!(std::io::stderr(), "{done} seeds");
        }
    });
    let _ = writeln!(out, "{report}");
    for verdict in &report.broken {
        let _ = writeln!(out, "{}", complaint(verdict));
    }
    if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
