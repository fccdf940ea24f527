//! Prints the table: the worker, what people do without it, who waits how long, and what a leaver costs.

use std::{
    cell::Cell,
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;
use jiff::Timestamp;
use podio_sandbox::{Profile, WindowModel};
use quota_table::{
    baseline::{self, Strategy},
    bounds, burst,
    cost::{self, MEMBERS},
    product,
    scene::{Foreign, Scene},
    table,
    waits::{self, Question},
};

/// How a backlog spends Podio's quota, in virtual time.
#[derive(Parser)]
struct Options {
    /// For machines.
    #[arg(long)]
    json: bool,
    /// How long the backlog lasts.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=240))]
    hours: u32,
    /// Only rows whose names contain this.
    #[arg(long, default_value = "")]
    only: String,
}

const MODELS: [(WindowModel, &str); 3] =
    [(WindowModel::Fixed, "fixed"), (WindowModel::FirstCall, "first-call"), (WindowModel::Sliding, "sliding")];
const OTHERS: [(Foreign, &str); 3] =
    [(Foreign::Nobody, ""), (Foreign::Steady, ", others 20 %"), (Foreign::Burst, ", others' burst")];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let (mut rows, mut waited, mut bursts, mut costs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut broken = Vec::new();
    let wanted = |name: &str| name.contains(&options.only);
    for (foreign, others) in OTHERS {
        for (model, window) in MODELS {
            let scene = Scene::hours(model, options.hours, foreign);
            for workers in [1, 4] {
                let name = format!("{window}: worker x {workers}{others}");
                if wanted(&name) && (workers == 4 || foreign == Foreign::Nobody) {
                    let label = name.clone();
                    let (posted, told) = (scene.leavers(), Cell::new(usize::MAX));
                    let tick = |done| {
                        if told.replace(done) != done {
                            tell(&label, done, posted);
                        }
                    };
                    let row = product::row(name, &scene, workers, tick).await;
                    broken.extend(bounds::broken(&row));
                    rows.push(row);
                }
            }
            for strategy in Strategy::ALL {
                let name = format!("{window}: {}{others}", strategy.name());
                if wanted(&name) {
                    let start: Timestamp = "2026-12-01T08:00:00Z".parse()?;
                    rows.push(baseline::row(strategy, name, &scene, start));
                }
            }
        }
    }
    for question in Question::ALL.into_iter().filter(|question| wanted(question.name())) {
        let wait = waits::measure(question, |done, of| tell(question.name(), done, of)).await;
        broken.extend(bounds::too_late(&wait));
        waited.push(wait);
    }
    for crowd in burst::Crowd::ALL.into_iter().filter(|crowd| wanted(&crowd.name())) {
        let burst = burst::measure(crowd).await;
        broken.extend(bounds::too_busy(&burst));
        bursts.push(burst);
    }
    for profile in [Profile::Documented, Profile::Guide] {
        for spaces in [200, 2_000] {
            for leavers in [1, 10, 100] {
                let name = format!("cost: {profile:?} {spaces} spaces {leavers} leavers").to_lowercase();
                if wanted(&name) {
                    tell(&name, 0, leavers);
                    let cost = cost::measure(profile, MEMBERS, spaces, leavers).await;
                    broken.extend(bounds::too_dear(&cost));
                    costs.push(cost);
                }
            }
        }
    }
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    let mut out = std::io::stdout().lock();
    if options.json {
        let all =
            serde_json::json!({"backlog": rows, "waits": waited, "bursts": bursts, "cost": costs, "broken": broken});
        writeln!(out, "{all:#}")?;
    } else {
        if !rows.is_empty() {
            writeln!(out, "{}", table::backlog(&rows))?;
        }
        if !waited.is_empty() {
            writeln!(out, "{}", table::waits(&waited))?;
        }
        if !bursts.is_empty() {
            writeln!(out, "{}", table::bursts(&bursts))?;
        }
        if !costs.is_empty() {
            writeln!(out, "{}", table::costs(&costs))?;
        }
    }
    for bound in &broken {
        eprintln!("broken bound: {bound}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Progress on the standard error stream.
fn tell(name: &str, done: usize, of: usize) {
    // A log is no place for a line that rewrites itself.
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{name}: {done} of {of}");
    }
}
