//! What is too much.

use serde::Serialize;

/// A package, in bytes.
pub const ZIPPED: u64 = 5_000_000;
/// From the start of the process to its first question for work, over that of the bare function, in milliseconds.
pub const START_OVER_BARE: f64 = 15.0;
/// The same on a machine that is slow or busy: in starts of the bare function, which took 6 ms where the bound was set.
pub const STARTS_OVER_BARE: f64 = 2.5;
/// The worker's memory at its peak, in bytes.
pub const PEAK: u64 = 30_000_000;
/// The bare function's name in the table.
pub const BARE: &str = "bare";

/// What was measured of one function.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its package, in bytes.
    pub zipped: u64,
    /// Its start, in milliseconds: the median.
    pub start_millis: f64,
    /// Its memory at its peak, in bytes, where it was put to work.
    pub peak: Option<u64>,
}

/// Every bound that is broken, one sentence each.
pub fn broken(rows: &[Row]) -> Vec<String> {
    let Some(bare) = rows.iter().find(|row| row.name == BARE) else {
        return vec!["there is nothing to compare".into()];
    };
    let mut broken = Vec::new();
    for row in rows.iter().filter(|row| row.name != BARE) {
        if row.zipped > ZIPPED {
            broken.push(format!("{}: a package of {} bytes, not {ZIPPED}", row.name, row.zipped));
        }
        let over = row.start_millis - bare.start_millis;
        let most = START_OVER_BARE.max(bare.start_millis * STARTS_OVER_BARE);
        // What is no number is no start.
        if over.is_nan() || over > most {
            broken.push(format!("{}: starts {over:.1} ms after the bare function, not {most:.0}", row.name));
        }
        if row.peak.is_some_and(|peak| peak > PEAK) {
            broken.push(format!("{}: {} bytes of memory at its peak, not {PEAK}", row.name, row.peak.unwrap_or(0)));
        }
    }
    broken
}

/// The rows as text for people, with ratios to the bare function.
pub fn table(rows: &[Row]) -> String {
    let bare = rows.iter().find(|row| row.name == BARE);
    let mut text =
        format!("{:<8}{:>10}{:>8}{:>12}{:>8}{:>11}\n", "", "zip MB", "ratio", "start ms", "ratio", "peak MB");
    for row in rows {
        let ratio = |ours: f64, of: fn(&Row) -> f64| bare.map_or(f64::NAN, |bare| ours / of(bare));
        let (zipped, start) = (row.zipped as f64 / 1e6, row.start_millis);
        let peak = row.peak.map_or_else(|| "-".to_owned(), |peak| format!("{:.1}", peak as f64 / 1e6));
        text += &format!(
            "{:<8}{zipped:>10.2}{:>8.1}{start:>12.1}{:>8.1}{peak:>11}\n",
            row.name,
            ratio(zipped, |bare| bare.zipped as f64 / 1e6),
            ratio(start, |bare| bare.start_millis),
        );
    }
    text
}

/// The one in the middle, in milliseconds.
pub fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(change: impl FnOnce(&mut Row)) -> Vec<Row> {
        let row = |name: &str| Row { name: name.to_owned(), zipped: 1_000_000, start_millis: 5.0, peak: None };
        let mut worker = Row { start_millis: 20.0, zipped: ZIPPED, peak: Some(PEAK), ..row("worker") };
        change(&mut worker);
        vec![row(BARE), worker]
    }

    #[test]
    fn what_is_just_enough_is_enough() {
        assert_eq!(broken(&rows(|_| {})), [""; 0]);
    }

    #[test]
    fn each_bound_is_broken_by_a_row_that_breaks_it() {
        assert!(broken(&rows(|row| row.zipped += 1))[0].contains("a package of 5000001"));
        assert!(broken(&rows(|row| row.start_millis = 20.1))[0].contains("15.1 ms after"));
        assert!(broken(&rows(|row| row.start_millis = f64::NAN))[0].contains("after the bare function"));
        assert!(broken(&rows(|row| row.peak = Some(PEAK + 1)))[0].contains("at its peak"));
        assert_eq!(broken(&rows(|_| {})[1..]), ["there is nothing to compare"]);
    }

    #[test]
    fn a_slow_machine_is_slow_for_the_bare_function_too() {
        let slow = |start: f64| {
            let mut rows = rows(|row| row.start_millis = start);
            rows[0].start_millis = 12.0;
            broken(&rows)
        };
        assert_eq!(slow(42.0), [""; 0]);
        assert!(slow(42.1)[0].contains("30.1 ms after"));
    }

    #[test]
    fn the_median_is_moved_by_no_single_start() {
        assert_eq!(median(&mut [9.0, 900.0, 10.0]), 10.0);
        assert!(median(&mut []).is_nan());
    }
}
