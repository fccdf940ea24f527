//! Rule 2: who is said to be removed was seen to be gone after the last removal.

use super::{Evidence, Violation, broken, targets};

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut broken_rules = Vec::new();
    for (place, leaver) in evidence.scene.leavers.iter().enumerate() {
        let removed: Vec<_> = evidence
            .ids_of(place)
            .into_iter()
            .filter(|id| evidence.dealings.views.get(id).is_some_and(|view| view["outcome"] == "removed"))
            .collect();
        if removed.is_empty() {
            continue;
        }
        let last = evidence.log.iter().rposition(|call| targets(call).contains(&leaver.user));
        let since = last.map_or(evidence.log, |last| &evidence.log[last + 1..]);
        if !since.iter().any(|call| evidence.is_look_at(call, leaver) && call.status.is_some()) {
            broken_rules.push(broken(2, format!("{} was said to be gone, and nobody had looked", leaver.user)));
        }
    }
    broken_rules
}
