//! One look at the list of members for many leavers at once, where that takes fewer calls than a look for each.
//!
//! Who is found in the list can be read back in it: that it showed somebody is what makes it mean something that it does
//! so no more. What it cannot tell is asked singly, as for a leaver who comes alone.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use podio_client::{
    Error,
    org_member::{self, OrgMember},
};
use podio_lifecycle::{
    capability::Capability,
    ids::{OrgId, UserId},
    offboarding::{Leaver, Offboarding, Person, SearchStep, State},
};

use super::{
    StageTask, Task,
    look_up::{Fit, Sought},
};
use crate::{
    Worker,
    caller::Caller,
    reserve::SHORT,
    roster::{CROWD, FRESH, Roster},
    verdict::Halt,
};

/// What it takes to find one person where only the list tells: half of a long one.
const LIST: usize = 10;
/// How late whoever has a slot for the next page may be before others ask for one.
const GRACE: SignedDuration = SignedDuration::from_secs(5);

/// What a job wants to know of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Wish {
    Find,
    Proof,
}

impl StageTask {
    /// When somebody who is read back together with others is.
    fn read_back_from(&self, window: SignedDuration) -> Option<Timestamp> {
        let left = self.offboarding.last_delete_at.filter(|_| self.offboarding.is_read_back_with_others())?;
        (self.offboarding.state == State::Verifying).then(|| Offboarding::read_back_at(left, window))
    }

    /// Whether it is the one among many that reads on.
    fn is_reader(&self) -> bool {
        self.offboarding.state == State::Verifying && !self.offboarding.work.slots.is_empty()
    }

    /// What the list might tell, and how old that may be at most.
    fn wish(&self, now: Timestamp) -> Option<(Wish, Timestamp)> {
        let search = &self.search;
        let is_new = search.step == SearchStep::Find && search.found.is_none() && search.misses.is_empty();
        match self.offboarding.state {
            State::Planning if is_new => Some((Wish::Find, now - FRESH)),
            State::Verifying if is_new && self.read_back_from.is_some_and(|from| from.duration_since(now) <= SHORT) => {
                Some((Wish::Proof, self.offboarding.last_delete_at?))
            }
            _ => None,
        }
    }
}

impl Roster {
    /// Whether nothing need be read any more to serve the job.
    fn tells_of(&self, stage: &StageTask) -> bool {
        let find = |sought: Sought<'_>| self.find(|member| sought.fit(member) == Fit::Certain).is_some();
        match (&stage.offboarding.state, &stage.offboarding.request.person) {
            (State::Verifying, _) => self.whole().is_some(),
            (_, Person::User(user)) => find(Sought::User(*user)),
            (_, Person::Email(mail)) => find(Sought::Email(mail)),
        }
    }
}

impl Worker {
    /// Tells the jobs of one batch how the list may serve them.
    pub(crate) async fn gather<'a>(&self, tasks: impl Iterator<Item = &'a mut Task>) {
        let now = self.now();
        let mut crowds: HashMap<(OrgId, Wish), (Timestamp, Vec<&mut StageTask>)> = HashMap::new();
        for task in tasks {
            let Task::Stage(stage) = task else { continue };
            if let Some(from) = stage.read_back_from(self.policy.ceiling.window()) {
                stage.read_back_from = self.read_back_from(stage, from, now).await;
            }
            let Some((wish, since)) = stage.wish(now) else { continue };
            let crowd = crowds.entry((stage.offboarding.org_id, wish)).or_insert((since, Vec::new()));
            crowd.0 = crowd.0.max(since);
            crowd.1.push(stage);
        }
        let Some(((org, _), (since, stages))) = crowds.into_iter().max_by_key(|(_, (_, stages))| stages.len()) else {
            return;
        };
        let mut roster = self.roster.lock().await;
        let roster = roster.get_or_insert_with(|| Roster::new(org, now));
        roster.expect(org, stages.len(), since, now);
        let is_crowd = stages.len() >= CROWD;
        for stage in stages {
            // Who comes alone later may find what others have read. To read on for them is not worth it, unless they have
            // waited for the slot of the next page, for everybody.
            let is_served = is_crowd || roster.tells_of(stage) || stage.is_reader();
            stage.listed_since = (is_served && roster.serves(org, since)).then_some(since);
        }
    }

    /// When somebody is read back who is due with others at `due`: once there is room for the pages, or for those who are
    /// asked for singly. None where there is plenty, or too few others: nobody is kept waiting to save a call.
    async fn read_back_from(&self, stage: &StageTask, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let decided = stage.offboarding.work.quiet_until.filter(|until| *until >= due);
        if decided.is_some() && !stage.is_reader() {
            return decided;
        }
        // Before it is due nobody reads; who holds a slot then, holds it for a call of their own.
        if stage.is_reader() || !self.is_scarce(stage, now).await {
            return (due.duration_since(now) <= SHORT).then_some(due);
        }
        let is_crowd = self.was_in_a_crowd(&stage.offboarding).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "it is not known who else is through");
            false
        });
        is_crowd.then(|| self.with_known_quota(|known| known.roomy_from(due.max(now), self.policy.ceiling)))
    }

    /// Whether the calls of a read-back have become scarce, as far as this worker knows.
    async fn is_scarce(&self, stage: &StageTask, now: Timestamp) -> bool {
        if let Err(error) = self.know_the_quota().await {
            tracing::warn!(%error, "the quota could not be read");
        }
        let route = org_member::get(stage.offboarding.org_id, UserId(0)).quota_route();
        self.with_known_quota(|known| {
            let ceiling = known.ceiling(&route, self.policy.ceiling);
            known.is_scarce(ceiling, now)
        })
    }

    /// The person, if the list shows them and somebody's reading on is worth it.
    pub(crate) async fn find_in_list(
        &self,
        stage: &StageTask,
        caller: &mut Caller<'_>,
    ) -> Result<Option<OrgMember>, Halt> {
        let Some(since) = stage.listed_since else { return Ok(None) };
        let (sought, singly) = match &stage.offboarding.request.person {
            Person::User(user) => (Sought::User(*user), 1),
            Person::Email(mail) if caller.may_offer(Capability::MemberByMail).await? => (Sought::Email(mail), 1),
            Person::Email(mail) => (Sought::Email(mail), LIST),
        };
        // All at once, before they wait for each other: a token that cannot be had is asked for once.
        caller.sign_in().await?;
        let mut roster = self.roster.lock().await;
        let Some(roster) = roster.as_mut() else { return Ok(None) };
        let mut was_own = false;
        while roster.serves(stage.offboarding.org_id, since) {
            if let Some((member, call)) = roster.find(|member| sought.fit(member) == Fit::Certain) {
                if !was_own {
                    caller.cite(std::slice::from_ref(call)).await?;
                }
                return Ok(Some(member.clone()));
            }
            if !roster.is_worth_a_page(singly) || !self.read_on(roster, caller).await? {
                break;
            }
            was_own = true;
        }
        Ok(None)
    }

    /// When the list that does not show the leaver any more was asked for; none where that has to be asked singly.
    pub(crate) async fn is_gone_from_list(
        &self,
        stage: &StageTask,
        leaver: &Leaver,
        caller: &mut Caller<'_>,
    ) -> Result<Option<Timestamp>, Halt> {
        let Some(since) = stage.listed_since else { return Ok(None) };
        // All at once, before they wait for each other: a token that cannot be had is asked for once.
        caller.sign_in().await?;
        let mut roster = self.roster.lock().await;
        let Some(roster) = roster.as_mut() else { return Ok(None) };
        let read_by_others = roster.pages();
        while roster.serves(stage.offboarding.org_id, since) && !roster.shows(leaver.user_id) {
            if let Some(calls) = roster.whole() {
                caller.cite(&calls[..read_by_others]).await?;
                return Ok(Some(roster.begun()));
            }
            if !roster.is_worth_reading() || !self.read_on(roster, caller).await? {
                break;
            }
        }
        Ok(None)
    }

    /// Reads the next page; whether there was one.
    async fn read_on(&self, roster: &mut Roster, caller: &mut Caller<'_>) -> Result<bool, Halt> {
        let now = self.now();
        if !caller.has_slots()
            && let Some(until) = roster.waits_until.map(|until| until + GRACE).filter(|until| now < *until)
        {
            // Somebody else has a slot for it, unless they have died since.
            return Err(Halt::Pause(until));
        }
        let page = match caller.call(&roster.next()).await {
            Err(Halt::Wait(slots)) => {
                roster.waits_until = slots.iter().map(|booking| booking.at).min();
                return Err(Halt::Wait(slots));
            }
            answer => answer?,
        };
        roster.waits_until = None;
        match (page, caller.last_call()) {
            (Ok(members), Some(call)) => {
                roster.add(members, call.clone());
                Ok(true)
            }
            (Err(Error::Invalid { status: 400, .. }), _) if roster.shrink() => Ok(true),
            (Ok(_), None)
            | (Err(Error::Forbidden { .. } | Error::NotFound(_) | Error::Gone | Error::Invalid { .. }), _) => {
                roster.give_up();
                Ok(false)
            }
            (Err(error), _) => Err(Halt::of(&error, "the list of the organization's members")),
        }
    }
}
