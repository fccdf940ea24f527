//! What must hold of the worker.

use crate::{
    cost::Cost,
    measured::Row,
    scene::{Foreign, SPACES},
};

/// The least share of the quota that a backlog uses while nobody else spends.
pub const LEAST_SHARE: f64 = 0.995;
/// The most often that a message is received.
pub const MOST_RECEIVES: u32 = 2;
/// The most attempts to write the reservation log for each batch of up to ten messages.
pub const MOST_WRITES: f64 = 1.0;
/// Calls of a leaver beside those to the spaces.
pub const BESIDE_SPACES: usize = 5;
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
    let writes = worker.writes_for_batch;
    holds(writes <= MOST_WRITES, format!("{writes:.2} writes of the log for each batch, not {MOST_WRITES:.0}"));
    holds(worker.dead_letters == 0, format!("{} dead letters", worker.dead_letters));
    holds(
        worker.unpunctual == 0,
        format!("{} calls did not take their time: the measurement is wrong", worker.unpunctual),
    );
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
