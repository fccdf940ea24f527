//! Rule 10: nobody is said to have left who is there, and nobody twice.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use podio_lifecycle::people::{Change, ChangeKind};
use podio_sandbox::{State, UserId, population::ORG_ID};

use super::{Violation, broken};

/// From Podio's answer to the change that tells of it, and as much as the clocks of two machines may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Judges what `GET /changes` would tell, by Podio's own books.
pub fn nobody_left_who_is_there(podio: &State, changes: &[Change]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut gone = BTreeSet::new();
    for change in changes {
        let user = change.user_id;
        match change.kind {
            ChangeKind::Left if !gone.insert(user) => violations.push(broken(10, format!("{user} has left twice"))),
            ChangeKind::Left => {
                let member = podio.orgs.get(&ORG_ID).and_then(|org| org.members.get(&UserId(user.0)));
                let joined_before = member.filter(|member| member.joined_on + SKEW < change.at);
                // Whoever has come back since is no witness: the membership before is not in the books any more.
                if joined_before.is_some_and(|member| member.ended_on.is_none_or(|ended| ended > change.at + SKEW)) {
                    violations.push(broken(10, format!("{user} is said to have left, and is there")));
                }
            }
            ChangeKind::Returned => {
                gone.remove(&user);
            }
            _ => {}
        }
    }
    violations
}
