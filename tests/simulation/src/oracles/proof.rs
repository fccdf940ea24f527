//! Rule 2: who is said to be removed was seen to be gone after the last removal.

use jiff::{SignedDuration, Timestamp};

use super::{Evidence, Violation, broken, targets};

/// As much as the clocks of two machines may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut broken_rules = Vec::new();
    for (place, leaver) in evidence.scene.leavers.iter().enumerate() {
        for id in evidence.ids_of(place) {
            let view = evidence.dealings.views.get(&id).filter(|view| view["outcome"] == "removed");
            let completed = view.and_then(|view| view["completed_at"].as_str()?.parse::<Timestamp>().ok());
            let Some(completed) = completed else { continue };
            let before = evidence.log.partition_point(|call| call.time <= completed + SKEW);
            let before = &evidence.log[..before];
            let last = before.iter().rposition(|call| targets(call).contains(&leaver.user));
            let since = last.map_or(before, |last| &before[last + 1..]);
            if !since.iter().any(|call| evidence.is_look_at(call, leaver) && call.status.is_some()) {
                broken_rules.push(broken(2, format!("{} was said to be gone, and nobody had looked", leaver.user)));
            }
        }
    }
    broken_rules
}
