//! Rows in which every two values of every two factors meet: a covering array of strength two.
//!
//! Greedy and deterministic. A row begins with a pair that is still missing; each further factor, those with most values
//! first, takes the value that brings most missing pairs. Of a few rows that begin that way the best one is taken.

use std::{cmp::Reverse, collections::BTreeSet};

use fastrand::Rng;

use crate::factors::{Contradiction, Factor};

/// So many rows compete for each place.
const CANDIDATES: usize = 60;
/// Any number does; with this one there are few rows.
const SEED: u64 = 5;

/// One value of one factor: its place among all values of all factors.
pub type Setting = usize;
/// Two settings of different factors, the earlier one first.
pub type Pair = (Setting, Setting);

/// What is to be covered.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The settings of each factor.
    factors: Vec<Vec<Setting>>,
    impossible: BTreeSet<Pair>,
}

/// Pairs, quick to ask.
struct Grid {
    side: usize,
    cells: Vec<bool>,
}

impl Grid {
    fn of(pairs: &BTreeSet<Pair>, side: usize) -> Self {
        let mut grid = Self { side, cells: vec![false; side * side] };
        pairs.iter().for_each(|pair| *grid.cell(*pair) = true);
        grid
    }

    fn cell(&mut self, (one, other): Pair) -> &mut bool {
        &mut self.cells[one * self.side + other]
    }

    fn has(&self, one: Setting, other: Setting) -> bool {
        self.cells[one.min(other) * self.side + one.max(other)]
    }
}

impl Plan {
    /// Every pair of these factors but for those that contradict each other.
    pub fn new(factors: &[Factor], contradictions: &[Contradiction]) -> Self {
        let (mut all, mut names) = (Vec::new(), Vec::new());
        for factor in factors {
            let first = names.len();
            names.extend(factor.values.iter().map(|value| (factor.name.as_str(), value.as_str())));
            all.push((first..names.len()).collect());
        }
        let setting = |name| names.iter().position(|it| *it == name).expect("a factor and one of its values");
        let pairs = contradictions.iter().map(|it| ordered(setting(it.one), setting(it.other)));
        Self { factors: all, impossible: pairs.collect() }
    }

    /// Every pair that has to meet.
    pub fn pairs(&self) -> BTreeSet<Pair> {
        let mut pairs = BTreeSet::new();
        for (later, earlier) in (0..self.factors.len()).flat_map(|later| (0..later).map(move |it| (later, it))) {
            for one in &self.factors[earlier] {
                pairs.extend(self.factors[later].iter().map(|other| (*one, *other)));
            }
        }
        &pairs - &self.impossible
    }

    /// The pairs that do not meet in any of the rows.
    pub fn missing(&self, rows: &[Vec<Setting>]) -> BTreeSet<Pair> {
        let met: BTreeSet<Pair> = rows.iter().flat_map(|row| pairs_of(row)).collect();
        &self.pairs() - &met
    }

    /// Rows in which every pair meets.
    pub fn rows(&self) -> Vec<Vec<Setting>> {
        let mut dice = Rng::with_seed(SEED);
        let side = self.factors.iter().map(Vec::len).sum();
        let (mut missing, impossible) = (self.pairs(), Grid::of(&self.impossible, side));
        let mut rows = Vec::new();
        while !missing.is_empty() {
            let (grid, first) = (Grid::of(&missing, side), missing.iter().collect::<Vec<_>>());
            let candidates = (0..CANDIDATES).filter_map(|_| {
                let pair = *first[dice.usize(..first.len())];
                self.candidate(pair, &grid, &impossible, &mut dice)
            });
            let gain = |row: &Vec<Setting>| pairs_of(row).filter(|(one, other)| grid.has(*one, *other)).count();
            let best = candidates.max_by_key(gain).expect("a pair that no row can hold is a contradiction too");
            for pair in pairs_of(&best) {
                missing.remove(&pair);
            }
            rows.push(best);
        }
        rows
    }

    /// A row with that pair; none where what is chosen leaves a factor no choice.
    fn candidate(&self, pair: Pair, missing: &Grid, impossible: &Grid, dice: &mut Rng) -> Option<Vec<Setting>> {
        let mut row = vec![pair.0, pair.1];
        let mut factors: Vec<_> = self.factors.iter().filter(|it| !row.iter().any(|set| it.contains(set))).collect();
        dice.shuffle(&mut factors);
        factors.sort_by_key(|it| Reverse(it.len()));
        for factor in factors {
            let mut values = factor.clone();
            values.retain(|value| !row.iter().any(|set| impossible.has(*set, *value)));
            dice.shuffle(&mut values);
            let gain = |value: &Setting| row.iter().filter(|set| missing.has(**set, *value)).count();
            let best = values.into_iter().max_by_key(gain)?;
            row.push(best);
        }
        row.sort_unstable();
        Some(row)
    }
}

fn ordered(one: Setting, other: Setting) -> Pair {
    (one.min(other), one.max(other))
}

fn pairs_of(row: &[Setting]) -> impl Iterator<Item = Pair> {
    let later = move |place: usize| row[place + 1..].iter().map(move |other| (row[place], *other));
    (0..row.len()).flat_map(later)
}
