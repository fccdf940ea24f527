//! How a door is put through its paces.

use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::{
    backend::Backend,
    contestant::Contestant,
    deliveries,
    door::Door,
    measured::{Kept, Row, Run},
};

/// Deliveries before the measurement: connections are open and hot code is compiled by then.
const WARM_UP: u64 = 500;

/// A door that is being measured, in as many rounds as the caller wants.
pub struct Bench<'a> {
    contestant: &'a Contestant,
    backend: Backend,
    door: Door,
    secret: String,
    next: u64,
    before: Kept,
    run: Run,
}

/// The time from the start of the process to its first question for work.
///
/// # Errors
/// It does not start.
pub async fn cold_start(contestant: &Contestant, backend: &Backend) -> anyhow::Result<Duration> {
    let door = contestant.open(&backend.variables()).await.context(contestant.name)?;
    door.process.stop().await?;
    Ok(door.cold)
}

impl<'a> Bench<'a> {
    /// Starts a door and warms it up.
    ///
    /// # Errors
    /// It does not start, or fails.
    pub async fn start(contestant: &'a Contestant) -> anyhow::Result<Self> {
        let backend = Backend::start().await?;
        let variables = backend.variables();
        let secret = variables.get("HOOK_SECRET").context("the local stack has no HOOK_SECRET")?.clone();
        let door = contestant.open(&variables).await.context(contestant.name)?;
        let before = Kept::default();
        let mut bench = Self { contestant, backend, door, secret, next: 1, before, run: Run::default() };
        bench.deliver(WARM_UP).await?;
        bench.before = bench.backend.kept().await?;
        Ok(bench)
    }

    /// Sends it some more deliveries, and measures.
    ///
    /// # Errors
    /// It fails.
    pub async fn round(&mut self, deliveries: u64) -> anyhow::Result<()> {
        let run = self.deliver(deliveries).await?;
        self.run.add(run);
        Ok(())
    }

    /// Ends it. `cold` are the starts that were measured before.
    ///
    /// # Errors
    /// It cannot be ended.
    pub async fn finish(self, cold: &[Duration]) -> anyhow::Result<Row> {
        let kept = self.backend.kept().await?.since(self.before);
        let peak = self.door.process.peak_memory()?;
        self.door.process.stop().await?;
        Ok(Row::of(self.contestant.name, self.contestant.role, &self.run, kept, cold, peak))
    }

    async fn deliver(&mut self, count: u64) -> anyhow::Result<Run> {
        let events = deliveries::events(&self.secret, self.next, count)?;
        self.next += count;
        let mut run = Run::default();
        let (cpu, started) = (self.door.process.cpu()?, Instant::now());
        for event in events {
            let answer = self.door.deliver(event).await.context(self.contestant.name)?;
            run.answered += u64::from(answer.status == 200);
            run.answers.push(answer.after);
        }
        run.took = started.elapsed();
        run.cpu = self.door.process.cpu()?.saturating_sub(cpu);
        Ok(run)
    }
}
