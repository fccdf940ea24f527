//! Rows as text for people.

use std::fmt::Write;

use crate::{
    burst::Burst,
    cost::Cost,
    measured::{OfWorker, Row},
    waits::Wait,
};

fn cells(row: &Row) -> [String; 11] {
    let of = |(part, whole): (usize, usize)| format!("{part}/{whole}");
    let worker = |cell: fn(&OfWorker) -> String| row.worker.as_ref().map_or_else(|| "-".to_owned(), cell);
    [
        row.name.clone(),
        format!("{:.2} %", row.share * 100.0),
        row.rejections.to_string(),
        row.most_rejections.to_string(),
        row.others_refused.map_or_else(|| "-".to_owned(), of),
        of(row.removed),
        clock(row.p50),
        clock(row.p95),
        row.alone.map_or_else(|| "never".to_owned(), |seconds| format!("{seconds} s")),
        worker(|worker| worker.most_receives.to_string()),
        worker(|worker| format!("{:.2}", worker.writes_for_dispatch)),
    ]
}

/// The table of backlogs.
pub fn backlog(rows: &[Row]) -> String {
    let head = [
        "backlog",
        "quota used",
        "420s",
        "in 1 h",
        "others' 420s",
        "removed",
        "p50",
        "p95",
        "one alone",
        "receives",
        "writes / dispatch",
    ];
    aligned(head, rows.iter().map(cells))
}

/// The table of those who wait.
pub fn waits(waits: &[Wait]) -> String {
    let head = ["waits", "through", "behind jobs", "p50", "p95", "longest", "bound of p95", "420s", "measured in"];
    let cells = |wait: &Wait| {
        [
            wait.name.clone(),
            format!("{}/{}", wait.done.0, wait.done.1),
            wait.behind.to_string(),
            clock(wait.p50),
            clock(wait.p95),
            clock(wait.longest),
            clock(Some(wait.bound.p95)),
            wait.rejections.to_string(),
            format!("{:.0} s", wait.real_seconds),
        ]
    };
    aligned(head, waits.iter().map(cells))
}

/// The table of bursts.
pub fn bursts(bursts: &[Burst]) -> String {
    let head = ["burst", "through", "calls", "in", "writes", "dispatches", "writes / dispatch", "writes / 100 calls"];
    let cells = |burst: &Burst| {
        [
            burst.name.clone(),
            format!("{}/{}", burst.done.0, burst.done.1),
            burst.calls.to_string(),
            format!("{} s", burst.seconds),
            burst.writes.to_string(),
            burst.dispatches.to_string(),
            format!("{:.2}", burst.for_dispatch()),
            format!("{:.1}", burst.for_hundred_calls()),
        ]
    };
    aligned(head, bursts.iter().map(cells))
}

/// The table of costs.
pub fn costs(costs: &[Cost]) -> String {
    let head = ["calls", "in all", "a leaver", "the recipe's", "ratio"];
    let cells = |cost: &Cost| {
        [
            cost.name(),
            cost.calls.to_string(),
            format!("{:.1}", cost.calls as f64 / cost.leavers as f64),
            (cost.recipe / cost.leavers).to_string(),
            format!("{:.3}", cost.ratio()),
        ]
    };
    aligned(head, costs.iter().map(cells))
}

fn aligned<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let lines: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        write!(text, "{:<1$}", line[0], widths[0]).ok();
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            write!(text, "  {cell:>width$}").ok();
        }
        text.push('\n');
    }
    text
}

fn clock(seconds: Option<i64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), |s| format!("{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60))
}
