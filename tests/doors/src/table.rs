//! Rows as text for people.

use std::fmt::Write;

use crate::{bounds, measured::Row};

/// The table. Ratios are those of the first row of the product.
pub fn text(rows: &[Row]) -> String {
    let product = rows.iter().find(|row| row.product);
    let head =
        ["door", "deliveries/s", "CPU ms each", "ratio", "cold start ms", "ratio", "peak MiB", "answered", "kept"];
    let ratio = |theirs: f64, ours: Option<f64>| match ours {
        Some(ours) => format!("{:.1}", bounds::ratio(theirs, ours)),
        None => "-".to_owned(),
    };
    let cells = |row: &Row| {
        [
            row.name.clone(),
            format!("{:.0}", row.a_second),
            format!("{:.3}", row.cpu_millis),
            ratio(row.cpu_millis, product.map(|product| product.cpu_millis)),
            format!("{:.1}", row.cold_millis),
            ratio(row.cold_millis, product.map(|product| product.cold_millis)),
            format!("{:.1}", row.memory_mib),
            format!("{}/{}", row.answered, row.deliveries),
            format!("{}+{}", row.stored, row.queued),
        ]
    };
    let lines: Vec<[String; 9]> = std::iter::once(head.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        write!(text, "{:<1$}", line[0], widths[0]).ok();
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            write!(text, "  {cell:>width$}").ok();
        }
        text.push('\n');
    }
    let (cpu, cold) = (bounds::CPU_RATIO, bounds::COLD_RATIO);
    writeln!(text, "bounds: CPU ratio {cpu:.0} and cold start ratio {cold:.0} at least; every delivery kept once").ok();
    text
}
