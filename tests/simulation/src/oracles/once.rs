//! Rules 5 and 7: nothing is done a second time, and the unsafe call not without a look in between.

use std::collections::BTreeMap;

use podio_sandbox::Effect;

use super::{Evidence, Removal, Violation, broken, removal};

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut broken_rules = unlooked(evidence);
    broken_rules.extend(repeated_posts(evidence));
    broken_rules.extend(ended_twice(evidence));
    broken_rules
}

/// Two calls that end the same membership of the organization, and nobody looked in between.
fn unlooked(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut broken_rules = Vec::new();
    for leaver in &evidence.scene.leavers {
        let mut sent = None;
        for call in evidence.log {
            if evidence.is_look_at(call, leaver) && call.status.is_some() {
                sent = None;
            }
            if matches!(removal(call), Some(Removal::Org(user)) if user == leaver.user) {
                // Refused before it was looked at; nothing can have come of it.
                if call.status == Some(401) || call.status == Some(420) {
                    continue;
                }
                if let Some(first) = sent.replace(call.n) {
                    broken_rules.push(broken(7, format!("calls {first} and {} are the same, unlooked", call.n)));
                }
            }
        }
    }
    broken_rules
}

/// One message of the HR system is one offboarding.
fn repeated_posts(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut ids: BTreeMap<usize, _> = BTreeMap::new();
    let mut broken_rules = Vec::new();
    for granted in &evidence.dealings.granted {
        let first = ids.entry(granted.wish).or_insert(&granted.id);
        if **first != granted.id {
            broken_rules.push(broken(5, format!("wish {} became {first} and {}", granted.wish, granted.id)));
        }
    }
    broken_rules
}

/// A membership ends once for each time that it began.
fn ended_twice(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut broken_rules = Vec::new();
    for (place, leaver) in evidence.scene.leavers.iter().enumerate() {
        let mut ended: BTreeMap<u64, usize> = BTreeMap::new();
        for effect in evidence.log.iter().flat_map(|call| &call.effects) {
            if let Effect::SpaceMembershipEnded { space_id, user_id } = effect
                && *user_id == leaver.user
            {
                *ended.entry(space_id.0).or_default() += 1;
            }
        }
        for (space, count) in ended {
            let added = evidence.dealings.added.iter().filter(|(who, it, _)| *who == place && it.0 == space).count();
            if count > 1 + added {
                broken_rules.push(broken(5, format!("{} left space {space} {count} times", leaver.user)));
            }
        }
    }
    broken_rules
}
