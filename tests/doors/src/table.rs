//! Rows as text for people.

use std::fmt::Write;

use crate::{bounds, contestant::Role, measured::Row};

const HEAD: [&str; 13] = [
    "door",
    "CPU ms each",
    "ratio",
    "cold start ms",
    "ratio",
    "answer p50 ms",
    "ratio",
    "p99 ms",
    "max ms",
    "deliveries/s",
    "peak MiB",
    "answered",
    "stored+jobs",
];

/// The table. Ratios are those to the first row of the product.
pub fn text(rows: &[Row]) -> String {
    let product = rows.iter().find(|row| row.role == Role::Product);
    let lines: Vec<[String; HEAD.len()]> =
        std::iter::once(HEAD.map(str::to_owned)).chain(rows.iter().map(|row| cells(row, product))).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        write!(text, "{:<1$}", line[0], widths[0]).ok();
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            write!(text, "  {cell:>width$}").ok();
        }
        text.push('\n');
    }
    text.push_str(&bounds_in_words());
    text
}

fn cells(row: &Row, product: Option<&Row>) -> [String; HEAD.len()] {
    let ratio = |of: fn(&Row) -> f64| match product {
        Some(product) => format!("{:.1}", bounds::ratio(of(row), of(product))),
        None => "-".to_owned(),
    };
    [
        row.name.clone(),
        format!("{:.3}", row.cpu_millis),
        ratio(|row| row.cpu_millis),
        format!("{:.1}", row.cold_millis),
        ratio(|row| row.cold_millis),
        format!("{:.2}", row.p50_millis),
        ratio(|row| row.p50_millis),
        format!("{:.1}", row.p99_millis),
        format!("{:.1}", row.max_millis),
        format!("{:.0}", row.a_second),
        format!("{:.1}", row.memory_mib),
        format!("{}/{}", row.answered, row.deliveries),
        format!("{}+{}", row.stored, row.jobs),
    ]
}

fn bounds_in_words() -> String {
    let (cpu, cold, answer) = (bounds::CPU_RATIO, bounds::COLD_RATIO, bounds::ANSWER_MILLIS);
    format!(
        "bounds: against the handlers on an SDK, CPU ratio {cpu:.0} and cold start ratio {cold:.0} at least; answers within \
         {answer:.0} ms (p99); every delivery kept once, as a job\n"
    )
}
