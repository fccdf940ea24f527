//! What the demo lets happen beside the removal: a hook is registered, and while the leaver leaves, a new space comes into
//! being with them in it.

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use podio_sandbox::{
    HookId, Running, SpaceId, State, UserId,
    population::{ACTING_ADMIN, LEAVER, ORG_ID},
    state::{Hook, HookRef, SpaceKind, SpaceRole},
    switches::{Acceptance, MemberEvents},
};
use tokio::time::{Instant, sleep};

const GLANCE: Duration = Duration::from_millis(20);
/// The service registers the hook right after its start, so this is only for machines that are very busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The hook that the service is to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    on: HookRef,
    event: &'static str,
}

impl Wish {
    /// The best that this Podio offers: the organization's hook tells of new spaces. Where there is none, one of the
    /// leaver's spaces is hooked, and it is the last preview that finds a new space.
    pub(super) fn of(state: &State) -> anyhow::Result<Self> {
        if state.switches.org_hooks == Acceptance::Accepted {
            let on = HookRef { ref_type: "org".to_owned(), ref_id: ORG_ID.0 };
            return Ok(Self { on, event: "space.create" });
        }
        let leaver = state.person_by_mail(LEAVER).context("the sandbox knows no leaver")?;
        let theirs = state.spaces_of_member(ORG_ID, leaver).into_iter().next();
        let space = theirs.or_else(|| state.spaces_of_org(ORG_ID).map(|(space, _)| space).next());
        let on = HookRef { ref_type: "space".to_owned(), ref_id: space.context("the sandbox has no spaces")?.0 };
        let event = match state.switches.member_events {
            MemberEvents::Absent => "app.create",
            MemberEvents::WithUser | MemberEvents::WithoutUser => "member.add",
        };
        Ok(Self { on, event })
    }

    /// As the variable `HOOKS` has it.
    pub(super) fn variable(&self) -> String {
        format!("{}/{}:{}", self.on.ref_type, self.on.ref_id, self.event)
    }

    /// What finds a new space.
    pub(super) fn finder(&self) -> &'static str {
        if self.event == "space.create" { "the hook tells of it" } else { "the last preview is to find it" }
    }

    /// Waits until the hook delivers. Podio activates it when it gets back the code that it has posted to the door. Where
    /// Podio posts none by itself, it is asked for one, as an admin would by hand: the service asks at its next look only.
    pub(super) async fn granted(&self, sandbox: &Running) -> anyhow::Result<HookId> {
        let wanted = |hook: &Hook| hook.on == self.on && hook.event == self.event;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let active = sandbox.with_state(|state| {
                let hooks: Vec<(HookId, Hook)> = state
                    .hooks
                    .all
                    .iter()
                    .filter(|(_, hook)| wanted(hook))
                    .map(|(id, hook)| (*id, hook.clone()))
                    .collect();
                for (silent, _) in hooks.iter().filter(|(_, hook)| hook.code.is_none()) {
                    state.request_verification(Timestamp::now(), *silent);
                }
                hooks.into_iter().find(|(_, hook)| hook.active).map(|(hook_id, _)| hook_id)
            });
            if let Some(hook) = active {
                return Ok(hook);
            }
            anyhow::ensure!(Instant::now() < deadline, "the hook {} did not become active", self.variable());
            sleep(GLANCE).await;
        }
    }
}

/// Makes a space with the acting admin and the leaver in it; none where the leaver has no other space left, since by then
/// the last look at the leaver's spaces may be over, and what comes after it comes too late.
pub(super) fn new_space(state: &mut State, leaver: UserId, now: Timestamp) -> Option<SpaceId> {
    if state.spaces_of_member(ORG_ID, leaver).is_empty() {
        return None;
    }
    let admin = state.person_by_mail(ACTING_ADMIN)?;
    let space = state.create_space(now, ORG_ID, "Farewell party", SpaceKind::Regular);
    state.add_to_space(now, space, admin, SpaceRole::Admin);
    state.add_to_space(now, space, leaver, SpaceRole::Regular);
    Some(space)
}

#[cfg(test)]
mod tests {
    use podio_sandbox::{Config, Population, Profile};

    use super::*;

    fn organization(profile: Profile, switches: &[&str]) -> State {
        let mut config = Config::new(profile);
        switches.iter().for_each(|switch| config.switches.apply(switch).unwrap());
        config.population = Population::new(1).leaver("Jane Doe", LEAVER, 3);
        config.initial_state(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_hook_is_one_that_this_podio_has() {
        let wish = |profile, switches: &[&str]| Wish::of(&organization(profile, switches)).unwrap().variable();
        assert_eq!(wish(Profile::Guide, &[]), "org/4711:space.create");
        let state = organization(Profile::Documented, &[]);
        let theirs = state.spaces_of_member(ORG_ID, state.person_by_mail(LEAVER).unwrap())[0];
        assert_eq!(wish(Profile::Documented, &[]), format!("space/{theirs}:member.add"));
        assert_eq!(wish(Profile::Documented, &["member-events=absent"]), format!("space/{theirs}:app.create"));
    }

    #[test]
    fn a_space_that_would_come_too_late_is_not_made() {
        let mut state = organization(Profile::Documented, &[]);
        let leaver = state.person_by_mail(LEAVER).unwrap();
        let space = new_space(&mut state, leaver, Timestamp::UNIX_EPOCH).unwrap();
        assert!(state.spaces[&space].has_others(leaver), "a space of the leaver's alone would hold the removal");
        for space in state.spaces_of_member(ORG_ID, leaver) {
            state.remove_from_space(Timestamp::UNIX_EPOCH, space, &[leaver]).unwrap();
        }
        assert_eq!(new_space(&mut state, leaver, Timestamp::UNIX_EPOCH), None);
    }
}
