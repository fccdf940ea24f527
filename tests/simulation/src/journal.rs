//! What happened, in order: as a hash always, as lines to read on demand, and in numbers.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use stories::VirtualClock;

/// The journal of one run.
pub struct Journal {
    clock: Arc<VirtualClock>,
    pages: Mutex<Pages>,
}

struct Pages {
    hash: Hash,
    lines: Option<Vec<String>>,
    tally: Tally,
}

/// Numbers of one run, or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Polls of invocations: the steps between two awaits.
    pub steps: u64,
    /// Invocations of functions.
    pub invocations: u64,
    /// Invocations that were killed.
    pub crashes: u64,
    /// Calls that Podio saw.
    pub calls: u64,
    /// Faults, by their kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// All faults.
    pub fn all_faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.invocations += other.invocations;
        self.crashes += other.crashes;
        self.calls += other.calls;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}

impl Journal {
    /// An empty journal; with `readable` it keeps its lines.
    pub fn new(clock: Arc<VirtualClock>, readable: bool) -> Self {
        let pages =
            Pages { hash: Hash(0xcbf2_9ce4_8422_2325), lines: readable.then(Vec::new), tally: Tally::default() };
        Self { clock, pages: Mutex::new(pages) }
    }

    /// Notes what happens at this moment.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        let now = self.clock.read();
        let mut pages = self.lock();
        // A hash cannot fail to be written.
        let _ = writeln!(pages.hash, "{} {what}", now.as_nanosecond());
        if let Some(lines) = &mut pages.lines {
            lines.push(format!("{now:.3} {what}"));
        }
    }

    /// Notes whose turn it was, in the hash alone.
    pub fn mark(&self, number: u64) {
        let mut pages = self.lock();
        let _ = write!(pages.hash, "{number} ");
    }

    /// Notes and counts a fault.
    pub fn fault(&self, kind: &'static str, where_: fmt::Arguments<'_>) {
        *self.lock().tally.faults.entry(kind).or_default() += 1;
        self.note(format_args!("  ! {kind} {where_}"));
    }

    /// Counts.
    pub fn count(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.lock().tally);
    }

    /// The numbers.
    pub fn tally(&self) -> Tally {
        self.lock().tally.clone()
    }

    /// The hash of all that was noted.
    pub fn hash(&self) -> u64 {
        self.lock().hash.0
    }

    /// The lines, if they were kept.
    pub fn lines(&self) -> Vec<String> {
        self.lock().lines.clone().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// FNV-1a: the same on every machine and in every version.
struct Hash(u64);

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
