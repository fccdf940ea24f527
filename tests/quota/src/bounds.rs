//! What must hold of the worker.

use crate::{
    burst::Burst,
    cost::Cost,
    measured::Row,
    scene::{BESIDE_SPACES, Foreign, SPACES},
    waits::Wait,
};

/// The least share of the quota that a backlog uses while nobody else spends.
pub const LEAST_SHARE: f64 = 0.995;
/// The most often that a message is received.
pub const MOST_RECEIVES: u32 = 2;
/// The most attempts to write the record of the quota for each dispatch.
pub const MOST_WRITES: f64 = 1.0;
/// The same for a hundred calls of one leaver, where the quota is free: a dispatch books ten of them, and sends twenty.
pub const MOST_WRITES_OF_A_BURST: f64 = 15.0;
/// Calls of each leaver of a large department beside those to the spaces, which all of them share.
pub const BESIDE_SHARED: usize = 4;
/// From so many leavers on a department is large.
pub const LARGE: usize = 100;

/// The bounds that a row breaks.
pub fn broken(row: &Row) -> Vec<String> {
    let mut broken = Vec::new();
    let mut holds = |holds: bool, what: String| {
        if !holds {
            broken.push(format!("{}: {what}", row.name));
        }
    };
    let Some(worker) = &row.worker else { return Vec::new() };
    if row.foreign == Foreign::Nobody {
        let share = format!("{:.2} % of the quota used, not {:.1} %", row.share * 100.0, LEAST_SHARE * 100.0);
        holds(row.share >= LEAST_SHARE, share);
        holds(row.rejections == 0, format!("{} refusals, not 0", row.rejections));
    }
    holds(row.most_rejections <= 1, format!("{} refusals in one window, not 1", row.most_rejections));
    holds(row.removed.0 == row.removed.1, format!("{} of {} leavers removed", row.removed.0, row.removed.1));
    let receives = worker.most_receives;
    holds(receives <= MOST_RECEIVES, format!("a message received {receives} times, not {MOST_RECEIVES}"));
    let writes = worker.writes_for_dispatch;
    holds(writes <= MOST_WRITES, format!("{writes:.2} writes of the record for each dispatch, not {MOST_WRITES:.0}"));
    holds(worker.dead_letters == 0, format!("{} dead letters", worker.dead_letters));
    holds(
        worker.unpunctual == 0,
        format!("{} calls did not take their time: the measurement is wrong", worker.unpunctual),
    );
    broken
}

/// The bounds that those who wait break.
pub fn too_late(wait: &Wait) -> Vec<String> {
    let mut broken = Vec::new();
    let mut holds = |holds: bool, what: String| {
        if !holds {
            broken.push(format!("{}: {what}", wait.name));
        }
    };
    let bound = wait.bound;
    let minutes = |seconds: i64| format!("{}:{:02} min", seconds / 60, seconds % 60);
    match wait.p95 {
        Some(p95) => {
            holds(p95 <= bound.p95, format!("p95 of {}, not {}", minutes(p95), minutes(bound.p95)));
        }
        None => holds(false, format!("{} of {} are through", wait.done.0, wait.done.1)),
    }
    holds(wait.behind >= bound.behind, format!("behind {} jobs, not {}", wait.behind, bound.behind));
    holds(wait.rejections == 0, format!("{} refusals, not 0", wait.rejections));
    holds(wait.unpunctual == 0, format!("{} calls did not take their time: the measurement is wrong", wait.unpunctual));
    broken
}

/// The bounds that a burst breaks.
pub fn too_busy(burst: &Burst) -> Vec<String> {
    let mut broken = Vec::new();
    let mut holds = |holds: bool, what: String| {
        if !holds {
            broken.push(format!("{}: {what}", burst.name));
        }
    };
    let (done, posted) = burst.done;
    holds(done == posted, format!("{done} of {posted} leavers are proved gone"));
    let each = burst.for_dispatch();
    holds(each <= MOST_WRITES, format!("{each:.2} writes of the record for each dispatch, not {MOST_WRITES:.0}"));
    let hundred = burst.for_hundred_calls();
    let most = burst.most_for_hundred_calls;
    let is_few = most.is_none_or(|most| hundred <= most);
    holds(is_few, format!("{hundred:.1} writes of the record for a hundred calls, not {:.0}", most.unwrap_or(0.0)));
    broken
}

/// The bounds that a cost breaks. Where Podio offers no short cuts there are none but the recipe's own.
pub fn too_dear(cost: &Cost) -> Option<String> {
    let most = match (cost.documented, cost.leavers) {
        (true, 1) => SPACES + BESIDE_SPACES,
        (true, leavers) if leavers >= LARGE => SPACES + BESIDE_SHARED * leavers,
        _ => cost.recipe,
    };
    (cost.calls > most).then(|| format!("{}: {} calls, not {most}", cost.name(), cost.calls))
}
