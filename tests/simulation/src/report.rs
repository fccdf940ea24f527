//! Many seeds, side by side, and the table of what they went through.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::SignedDuration;

use crate::{Run, Verdict, journal::Tally};

/// Each so many seeds one is listened to as well.
const LISTENED: u64 = 4;

/// What many seeds came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Seeds.
    pub seeds: u64,
    /// All their numbers.
    pub tally: Tally,
    /// How long they took in the simulation, one after the other.
    pub simulated: SignedDuration,
    /// How long they took in fact, on so many threads.
    pub real: Duration,
    /// Threads.
    pub threads: usize,
    /// Seeds that broke a rule.
    pub broken: Vec<Verdict>,
}

impl Report {
    /// Runs seeds from `first` on, `tell`ing how many are done.
    pub fn of(first: u64, count: u64, tell: impl Fn(u64) + Sync) -> Self {
        let begun = Instant::now();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let (next, report) = (AtomicU64::new(0), Mutex::new(Self { threads, ..Self::default() }));
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                let seed = first + number;
                let verdict = Run { listen: seed.is_multiple_of(LISTENED), ..Run::of(seed) }.verdict();
                let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                report.add(verdict);
                tell(report.seeds);
            }
        };
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.broken.sort_by_key(|verdict| verdict.seed);
        report.real = begun.elapsed();
        report
    }

    fn add(&mut self, verdict: Verdict) {
        self.seeds += 1;
        self.tally.add(&verdict.tally);
        self.simulated += verdict.took;
        if !verdict.violations.is_empty() {
            self.broken.push(verdict);
        }
    }

    /// Simulated time for each moment of real time.
    pub fn ratio(&self) -> f64 {
        self.simulated.as_secs_f64() / self.real.as_secs_f64().max(f64::EPSILON)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, value: &str| writeln!(f, "{name:<34} {value:>14}");
        row(f, "seeds", &self.seeds.to_string())?;
        row(f, "steps between two awaits", &self.tally.steps.to_string())?;
        row(f, "invocations", &self.tally.invocations.to_string())?;
        row(f, "calls to Podio", &self.tally.calls.to_string())?;
        row(f, "crashes", &self.tally.crashes.to_string())?;
        row(f, "faults injected", &self.tally.all_faults().to_string())?;
        for (kind, count) in &self.tally.faults {
            row(f, &format!("  {kind}"), &count.to_string())?;
        }
        row(f, "simulated days", &format!("{:.0}", self.simulated.as_secs_f64() / 86_400.0))?;
        row(f, "real seconds", &format!("{:.1}", self.real.as_secs_f64()))?;
        row(f, "threads", &self.threads.to_string())?;
        row(f, "simulated time / real time", &format!("{:.0}", self.ratio()))?;
        row(f, "seeds that broke a rule", &self.broken.len().to_string())
    }
}

/// What a person needs of a seed that broke a rule.
pub fn complaint(verdict: &Verdict) -> String {
    let mut rules: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for violation in &verdict.violations {
        rules.entry(violation.rule).or_default().push(&violation.what);
    }
    let lines: Vec<String> =
        rules.iter().flat_map(|(rule, whats)| whats.iter().map(move |what| format!("  rule {rule}: {what}"))).collect();
    format!("seed {}:\n{}\nsee it with: cargo simulate --seed {} --trace", verdict.seed, lines.join("\n"), verdict.seed)
}
