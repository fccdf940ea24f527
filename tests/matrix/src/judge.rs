//! What Podio's own log and state say of a row: the oracles of the simulation, and what they leave to others.

use std::collections::{BTreeMap, BTreeSet};

use podio_sandbox::{SpaceId, State, UserId, population::ORG_ID, state::SpaceRole};
use simulation::{
    oracles::{self, Evidence, Removal, Violation, removal},
    podio::Witness,
};

use crate::{cast::Part, ending, life::Life};

/// Every rule that was broken.
pub fn judge(life: &Life) -> Vec<Violation> {
    let witnesses = witnesses(life);
    let evidence = Evidence {
        log: &life.log,
        podio: &life.podio,
        witnesses: &witnesses,
        dealings: &life.dealings,
        scene: &life.scene,
        token_lost: false,
    };
    let mut broken = oracles::judge(&evidence);
    broken.extend(hammering(life));
    if !life.listens {
        broken.push(Violation { rule: 9, what: "the hooks never became active".to_owned() });
    }
    broken.extend(bystanders(life));
    broken.extend(records(life));
    broken.extend(ending::judge(life));
    broken
}

/// What Podio's side saw whenever a call came to end a membership of the organization.
fn witnesses(life: &Life) -> Vec<Witness> {
    let podio = &life.podio;
    let seen = life.log.iter().filter_map(|call| match removal(call) {
        Some(Removal::Org(user)) => {
            let space = |(id, space): (&SpaceId, &podio_sandbox::state::Space)| {
                let member = space.members.get(&user)?;
                // What the call itself ends bears its time.
                let is_in = member.invited_on <= call.time && member.ended_on.is_none_or(|ended| ended >= call.time);
                is_in.then_some((*id, member.invited_on))
            };
            Some(Witness { n: call.n, user, spaces: podio.spaces.iter().filter_map(space).collect() })
        }
        _ => None,
    });
    seen.collect()
}

/// So many calls may be on their way when Podio says that the quota is used up: what both workers have sent.
const UNDER_WAY: usize = 4;

/// Whoever was told that the quota is used up stays away until it is not.
fn hammering(life: &Life) -> Option<Violation> {
    let refused = life.log.iter().filter(|call| call.n > life.spent && call.rejected_420).count();
    let what = format!("{refused} calls met a 420 after somebody else had used up the quota");
    (refused > UNDER_WAY).then_some(Violation { rule: 3, what })
}

type Seats = BTreeMap<(SpaceId, UserId), SpaceRole>;

/// Nobody else was touched: who stays is in the organization and in every space as before, with no less of a role.
fn bystanders(life: &Life) -> Vec<Violation> {
    let cast: BTreeSet<UserId> = Part::ALL.iter().map(|part| part.user(&life.before)).collect();
    let stays = |user: &UserId| !cast.contains(user);
    let members = |podio: &State| podio.org_members(ORG_ID).into_iter().filter(stays).collect::<BTreeSet<_>>();
    let seats = |podio: &State| -> Seats {
        let spaces = podio.spaces_of_org(ORG_ID);
        let seats = spaces.flat_map(|(id, space)| space.active_members().map(move |(user, it)| ((id, user), it.role)));
        seats.filter(|((_, user), _)| stays(user)).collect()
    };
    let mut broken = Vec::new();
    let mut say = |what: String| broken.push(Violation { rule: 6, what });
    if members(&life.before) != members(&life.podio) {
        say("somebody else left or joined the organization".to_owned());
    }
    let (before, after) = (seats(&life.before), seats(&life.podio));
    for ((space, user), role) in before {
        match after.get(&(space, user)) {
            None => say(format!("{user} stays, and is not in {space} any more")),
            Some(now) if *now != role && *now != SpaceRole::Admin => say(format!("{user} was put down in {space}")),
            Some(_) => {}
        }
    }
    broken
}

/// Whatever is completed has a record that nobody has changed.
fn records(life: &Life) -> Vec<Violation> {
    let is_good = |part: &Part| life.records.get(part).is_some_and(|record| record["integrity"] == "verified");
    let bad = Part::ALL.into_iter().filter(|part| life.state(*part) == "completed" && !is_good(part));
    bad.map(|part| Violation { rule: 2, what: format!("{part:?} has no record that is verified") }).collect()
}
