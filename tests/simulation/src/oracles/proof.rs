//! Rule 2: who is said to be removed was seen to be gone after the last removal.

use jiff::{SignedDuration, Timestamp};

use podio_sandbox::Call;

use super::{Evidence, Violation, broken, targets};

/// As much as the clocks of two machines may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut broken_rules = Vec::new();
    for (place, leaver) in evidence.scene.leavers.iter().enumerate() {
        let ids = evidence.ids_of(place);
        for id in &ids {
            let view = evidence.dealings.views.get(id).filter(|view| view["outcome"] == "removed");
            let completed = view.and_then(|view| view["completed_at"].as_str()?.parse::<Timestamp>().ok());
            let Some(completed) = completed else { continue };
            // Around the end, within what the clocks are apart, a removal may be that of another offboarding of the same
            // person. Where there is no other, the first one there is the one to be followed by a look.
            let moment = |at: Timestamp| evidence.log.partition_point(|call| call.time <= at);
            let (certain, possible) = (moment(completed - SKEW), moment(completed + SKEW));
            let is_removal = |call: &Call| targets(call).contains(&leaver.user);
            let own = &evidence.log[certain..possible];
            let first = own.iter().position(is_removal).filter(|_| ids.len() == 1).map(|at| certain + at);
            let last = first.or_else(|| evidence.log[..certain].iter().rposition(is_removal));
            let since = &evidence.log[last.map_or(0, |last| last + 1)..possible];
            if !since.iter().any(|call| evidence.is_look_at(call, leaver) && call.status.is_some()) {
                broken_rules.push(broken(2, format!("{} was said to be gone, and nobody had looked", leaver.user)));
            }
        }
    }
    broken_rules
}
