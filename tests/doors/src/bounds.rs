//! What must hold of the function, measured against those beside it in the same run.

use crate::{contestant::Role, measured::Row};

/// How much less CPU time it takes for a delivery than a handler on an SDK, at least.
pub const CPU_RATIO: f64 = 5.0;
/// How much faster it starts than a handler on an SDK, at least.
pub const COLD_RATIO: f64 = 3.0;
/// How long it takes to answer, in 99 of 100 cases, in milliseconds.
pub const ANSWER_MILLIS: f64 = 100.0;

/// The bounds that the rows break; a comparison that was not made is broken too.
pub fn broken(rows: &[Row]) -> Vec<String> {
    let mut broken: Vec<String> = rows.iter().flat_map(lost).collect();
    let of = |role| rows.iter().filter(move |row| row.role == role);
    if of(Role::Product).next().is_none() || of(Role::Rival).next().is_none() {
        broken.push("there is nothing to compare".to_owned());
    }
    for product in of(Role::Product) {
        broken.extend(late(product));
        broken.extend(of(Role::Rival).flat_map(|rival| too_slow(product, rival)));
    }
    broken
}

/// A door that loses deliveries is not measured at all, nor is one that calls the worker for what can wait.
fn lost(row: &Row) -> Vec<String> {
    let Row { name, deliveries, answered, stored, jobs, queued, .. } = row;
    let kept = [("answered", answered), ("stored", stored), ("made jobs", jobs)];
    let short = kept.into_iter().filter(|(_, count)| *count != deliveries);
    let short = short.map(|(what, count)| format!("{name}: {count} of {deliveries} deliveries {what}"));
    let woken = (*queued > 0).then(|| format!("{name}: {queued} messages for events, which wake nobody"));
    short.chain(woken).collect()
}

fn late(product: &Row) -> Option<String> {
    let Row { name, p99_millis, .. } = product;
    let holds = *p99_millis <= ANSWER_MILLIS;
    (!holds).then(|| format!("{name}: 99 of 100 answers take {p99_millis:.1} ms, not {ANSWER_MILLIS:.0}"))
}

fn too_slow(product: &Row, rival: &Row) -> Vec<String> {
    let cpu = ratio(rival.cpu_millis, product.cpu_millis);
    let cold = ratio(rival.cold_millis, product.cold_millis);
    let judge = |ratio: f64, least: f64, what: &str| {
        // A ratio of nothing to nothing is none.
        let holds = ratio >= least;
        (!holds).then(|| format!("{}: {ratio:.1} times {what} of {}, not {least:.0}", product.name, rival.name))
    };
    judge(cpu, CPU_RATIO, "ahead in CPU time")
        .into_iter()
        .chain(judge(cold, COLD_RATIO, "ahead in cold start"))
        .collect()
}

/// How many times `ours` is in `theirs`.
pub fn ratio(theirs: f64, ours: f64) -> f64 {
    theirs / ours
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, role: Role, cpu_millis: f64, cold_millis: f64) -> Row {
        Row {
            name: name.to_owned(),
            role,
            deliveries: 100,
            answered: 100,
            stored: 100,
            jobs: 100,
            queued: 0,
            a_second: 1.0,
            cpu_millis,
            cold_millis,
            p50_millis: 1.0,
            p99_millis: 2.0,
            max_millis: 3.0,
            memory_mib: 1.0,
        }
    }

    fn rows() -> Vec<Row> {
        vec![
            row("hooks", Role::Product, 0.2, 10.0),
            row("boto3", Role::Rival, 1.0, 30.0),
            row("Node", Role::Rival, 1.1, 40.0),
            row("by hand", Role::Bare, 0.3, 20.0),
        ]
    }

    #[test]
    fn five_times_less_cpu_and_three_times_faster_than_those_with_an_sdk_is_enough() {
        assert_eq!(broken(&rows()), [""; 0]);
    }

    #[test]
    fn each_bound_is_broken_by_a_row_that_breaks_it() {
        let break_one = |change: fn(&mut Row), of: usize| {
            let mut rows = rows();
            change(&mut rows[of]);
            broken(&rows).join("; ")
        };
        assert!(break_one(|row| row.cpu_millis = 0.99, 1).contains("CPU time of boto3"));
        assert!(break_one(|row| row.cpu_millis = 0.99, 2).contains("CPU time of Node"));
        assert!(break_one(|row| row.cold_millis = 29.9, 1).contains("cold start of boto3"));
        assert!(break_one(|row| row.cold_millis = 29.9, 2).contains("cold start of Node"));
        assert!(break_one(|row| row.p99_millis = 100.1, 0).contains("99 of 100 answers take 100.1 ms"));
        for of in 0..4 {
            assert!(break_one(|row| row.answered = 99, of).contains("99 of 100 deliveries answered"));
            assert!(break_one(|row| row.stored = 101, of).contains("101 of 100 deliveries stored"));
            assert!(break_one(|row| row.jobs = 0, of).contains("0 of 100 deliveries made jobs"));
            assert!(break_one(|row| row.queued = 1, of).contains("1 messages for events"));
        }
    }

    #[test]
    fn a_comparison_that_was_not_made_is_not_won() {
        let all = rows();
        assert_eq!(broken(&all[..1]), ["there is nothing to compare"]);
        assert_eq!(broken(&all[1..]), ["there is nothing to compare"]);
        let without_sdks: Vec<Row> = all.into_iter().filter(|row| row.role != Role::Rival).collect();
        assert_eq!(broken(&without_sdks), ["there is nothing to compare"]);
        let mut nothing = rows();
        nothing.iter_mut().for_each(|row| row.cpu_millis = 0.0);
        assert_eq!(broken(&nothing).len(), 2, "no time against no time");
    }
}
