//! Rule 6: nobody is touched but who is to leave, not before their time, not after it was called off, and not during a pause.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use podio_sandbox::{Effect, UserId};

use super::{Evidence, Violation, broken, removal, targets};

/// As much as the clocks of two machines may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(2);
/// As long as a call may be on its way.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(30);

/// From when until when somebody may be touched.
struct Consent {
    from: Timestamp,
    until: Timestamp,
}

pub(super) fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let consents = consents(evidence);
    let acting = evidence.podio.tokens.acting_user();
    let mut broken_rules = Vec::new();
    for call in evidence.log {
        if removal(call).is_some() && is_paused(evidence, call.time) {
            broken_rules.push(broken(6, format!("call {} removes somebody during a pause", call.n)));
        }
        for user in targets(call) {
            // Whoever was asked has called it off.
            if Some(user) == acting {
                broken_rules.push(broken(6, format!("call {} touches {user}, whom the product acts as", call.n)));
            }
            let given = consents.get(&user).into_iter().flatten();
            if !given.into_iter().any(|given| given.from <= call.time + SKEW && call.time <= given.until + SKEW) {
                broken_rules.push(broken(6, format!("call {} touches {user} without consent", call.n)));
            }
        }
        for effect in &call.effects {
            match effect {
                Effect::SpaceMembershipEnded { user_id, .. } | Effect::OrgMembershipEnded { user_id, .. }
                    if evidence.leaver(*user_id).is_none() =>
                {
                    broken_rules.push(broken(6, format!("call {} removes {user_id}, who stays", call.n)));
                }
                _ => {}
            }
        }
    }
    broken_rules
}

/// Whether the service was paused when a call arrived: long enough for one that was on its way to have arrived.
fn is_paused(evidence: &Evidence<'_>, at: Timestamp) -> bool {
    let (from, until) = (evidence.dealings.paused, evidence.dealings.resumed.unwrap_or(Timestamp::MAX));
    from.is_some_and(|from| from + ON_ITS_WAY < at && at < until)
}

fn consents(evidence: &Evidence<'_>) -> BTreeMap<UserId, Vec<Consent>> {
    let mut consents: BTreeMap<UserId, Vec<Consent>> = BTreeMap::new();
    for (place, leaver) in evidence.scene.leavers.iter().enumerate() {
        let of = consents.entry(leaver.user).or_default();
        let mut wishes: BTreeSet<usize> = BTreeSet::new();
        for granted in evidence.dealings.granted.iter() {
            let wish = &evidence.scene.wishes[granted.wish];
            if wish.leaver != place || wish.dry_run {
                continue;
            }
            wishes.insert(granted.wish);
            let posted = evidence.dealings.posted.get(&granted.wish).copied().unwrap_or(wish.at);
            let from = wish.effective_at.map_or(posted, |at| at.max(posted));
            let until = evidence.dealings.cancelled.get(&granted.id).copied().unwrap_or(Timestamp::MAX - SKEW);
            of.push(Consent { from, until });
        }
    }
    consents
}
