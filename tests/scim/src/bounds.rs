//! What is too slow.

use std::time::Duration;

use serde::Serialize;

/// The most that 99 of 100 answers to a look-up may take, in milliseconds.
pub const P99_MILLIS: f64 = 50.0;

/// What was measured of one kind of request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The request.
    pub name: String,
    /// Whether the bound holds for it: a page of all users reads the whole listing to count it.
    pub is_look_up: bool,
    /// The one in the middle, in milliseconds.
    pub p50: f64,
    /// 99 of 100 take no longer, in milliseconds.
    pub p99: f64,
}

impl Row {
    /// The row of these times.
    pub fn of(name: &str, is_look_up: bool, mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |part: usize| {
            let place = (times.len() * part).div_ceil(100).saturating_sub(1);
            times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        Self { name: name.to_owned(), is_look_up, p50: at(50), p99: at(99) }
    }
}

/// Every bound that is broken, one sentence each.
pub fn broken(rows: &[Row]) -> Vec<String> {
    // What is no number is no answer.
    let is_slow = |row: &&Row| row.is_look_up && (row.p99.is_nan() || row.p99 > P99_MILLIS);
    rows.iter().filter(is_slow).map(|row| format!("{}: p99 is {:.1} ms, not {P99_MILLIS}", row.name, row.p99)).collect()
}

/// The rows as text for people.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<44}{:>9}{:>9}\n", "", "p50 ms", "p99 ms");
    for row in rows {
        text += &format!("{:<44}{:>9.1}{:>9.1}\n", row.name, row.p50, row.p99);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(slow: usize) -> Vec<Duration> {
        (0..100).map(|n| Duration::from_millis(if n < slow { 60 } else { 10 })).collect()
    }

    #[test]
    fn one_slow_answer_in_a_hundred_is_borne() {
        assert_eq!(broken(&[Row::of("a", true, times(1))]), [""; 0]);
        assert_eq!(broken(&[Row::of("a", true, times(2))]), ["a: p99 is 60.0 ms, not 50"]);
        assert_eq!(broken(&[Row::of("a", false, times(2))]), [""; 0]);
    }

    #[test]
    fn no_answers_break_the_bound() {
        assert_eq!(broken(&[Row::of("a", true, vec![])]).len(), 1);
    }
}
