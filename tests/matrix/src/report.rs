//! The table of what the rows went through, and what a person needs of a row that broke a rule.

use std::{collections::BTreeMap, fmt, time::Duration};

use podio_sandbox::Call;
use simulation::oracles::Violation;

use crate::{
    cast::Part,
    cover::Plan,
    factors::{self, CONTRADICTIONS},
    life::Life,
};

/// What all rows came to.
pub struct Report<'a> {
    /// The rows, lived.
    pub lives: &'a [Life],
    /// How long it took, several at once.
    pub took: Duration,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, value: String| writeln!(f, "{name:<44} {value:>8}");
        let factors = factors::all();
        let plan = Plan::new(&factors, &CONTRADICTIONS);
        let calls: usize =
            self.lives.iter().map(|life| life.log.iter().filter(|call| call.n > life.spent).count()).sum();
        row(f, "factors", factors.len().to_string())?;
        row(f, "values", factors.iter().map(|factor| factor.values.len()).sum::<usize>().to_string())?;
        row(f, "pairs of values", plan.pairs().len().to_string())?;
        row(f, "rows lived", self.lives.len().to_string())?;
        row(f, "offboardings", (self.lives.len() * Part::ALL.len()).to_string())?;
        row(f, "calls to Podio", calls.to_string())?;
        row(f, "seconds", format!("{:.0}", self.took.as_secs_f64()))?;
        for (outcome, count) in self.outcomes() {
            row(f, &format!("  {outcome}"), count.to_string())?;
        }
        Ok(())
    }
}

impl Report<'_> {
    /// How often each end was come to, by which ways.
    fn outcomes(&self) -> BTreeMap<String, usize> {
        let mut outcomes = BTreeMap::new();
        for (life, part) in self.lives.iter().flat_map(|life| Part::ALL.map(|part| (life, part))) {
            let held = if life.held.contains_key(&part) { " after a hold" } else { "" };
            let failed = if life.failed.contains_key(&part) { " and a repair" } else { "" };
            *outcomes.entry(format!("{}{held}{failed}", life.state(part))).or_default() += 1;
        }
        outcomes
    }
}

/// The product's calls, to read.
pub fn trace(life: &Life) -> String {
    let own = life.log.iter().filter(|call| call.n > life.spent);
    let line = |call: &Call| {
        let status = call.status.map_or("cut".to_owned(), |status| status.to_string());
        format!("{} {} {} = {status} {:?}\n", call.time, call.method, call.path, call.effects)
    };
    own.map(line).collect()
}

/// What a person needs of a row that broke a rule.
pub fn complaint(life: &Life, broken: &[Violation]) -> String {
    let rules: Vec<String> = broken.iter().map(|it| format!("  rule {}: {}", it.rule, it.what)).collect();
    format!("{}\n{}\nlive it again with: {}", life.row, rules.join("\n"), life.row.replay())
}
