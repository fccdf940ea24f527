//! What people do: the HR system, the operator, the auditor, and those who change Podio behind our back.

use jiff::SignedDuration;
use podio_lifecycle::ids::OffboardingId;
use podio_sandbox::{
    Request, SpaceId, UserId, config,
    population::ORG_ID,
    state::{SpaceKind, SpaceRole},
};
use serde_json::Value;

use crate::{
    dealings::{Granted, Letter, Reply},
    doors::decision_on_all,
    scene::Stranger,
    world::{Deed, World},
};

impl World {
    /// Somebody does something.
    pub(crate) fn act(&mut self, deed: Deed) {
        let now = self.clock.read();
        match deed {
            Deed::Post(wish) => {
                self.dealings.posted.entry(wish).or_insert(now);
                self.write(Letter::Post(wish));
            }
            Deed::Cancel(wish) => {
                let id = self.dealings.granted.iter().find(|granted| granted.wish == wish).map(|it| it.id.clone());
                match id {
                    Some(id) => self.write(Letter::Cancel(id)),
                    None => self.plan(now + SignedDuration::from_mins(2), Deed::Cancel(wish)),
                }
            }
            Deed::Stranger(place) => {
                let (_, stranger) = self.wiring.scene.strangers[place].clone();
                self.happen(&stranger);
            }
            Deed::Operator => {
                self.write(Letter::WhoIsHeld);
                self.write(Letter::WhatFailed);
                self.plan(now + SignedDuration::from_mins(20), Deed::Operator);
            }
            Deed::Auditor => {
                let open = self.dealings.ids().into_iter().filter(|id| !self.dealings.rests(id)).collect::<Vec<_>>();
                for id in open {
                    self.write(Letter::View(id));
                }
                self.plan(now + SignedDuration::from_mins(10), Deed::Auditor);
            }
            Deed::Outage(outage) => {
                self.journal.note(format_args!("-- Podio is out of order: {outage:?}"));
                self.podio.state().add_fault(outage.rule());
            }
            Deed::Pause => {
                // Should the answer to the resumption overtake it, the operator has thought better of it.
                if self.dealings.resumed.is_none() {
                    self.write(Letter::Pause);
                }
            }
            Deed::Resume => {
                self.dealings.resumed.get_or_insert(now);
                self.write(Letter::Resume);
            }
            Deed::Calm => {
                self.journal.note(format_args!("-- calm"));
                self.fate.calm_down();
                self.podio.state().faults.clear();
            }
        }
    }

    /// An answer arrives, or none does.
    pub(crate) fn receive(&mut self, letter: Letter, reply: Option<Reply>) {
        if let Some(reply) = &reply {
            self.look_at(&letter, reply);
        }
        let now = self.clock.read();
        let reply = reply.filter(|reply| reply.status < 500);
        match (letter, reply) {
            (Letter::Post(wish), None) => {
                // As webhook systems do, until somebody answers.
                let pause = SignedDuration::from_secs(self.dice.between(5, 120));
                self.plan(now + pause, Deed::Post(wish));
            }
            (Letter::Post(wish), Some(reply)) => self.granted(wish, &reply),
            (Letter::Pause, Some(reply)) if reply.status == 200 => {
                self.dealings.paused.get_or_insert(now);
            }
            (Letter::Pause, _) => self.plan(now + SignedDuration::from_secs(10), Deed::Pause),
            (Letter::Resume, Some(reply)) if reply.status == 200 && reply.json()["paused"] == false => {
                // One that is still on its way would stop everything again.
                self.plan(now + SignedDuration::from_mins(5), Deed::Resume);
            }
            (Letter::Resume, _) => self.plan(now + SignedDuration::from_secs(10), Deed::Resume),
            (Letter::WhoIsHeld, Some(reply)) => self.decide_about(&reply.json()),
            (Letter::WhatFailed, Some(reply)) => self.repair(&reply.json()),
            (Letter::Cancel(id), Some(reply)) if reply.status == 202 => {
                self.dealings.cancelled.entry(id).or_insert(now);
            }
            // What is refused because somebody else is at it does not count.
            (Letter::Retry(id), Some(reply)) if reply.status == 202 && self.fate.rates().is_none() => {
                *self.dealings.retried.entry(id).or_default() += 1;
            }
            (Letter::View(id), Some(reply)) => {
                self.dealings.views.insert(id, reply.json());
            }
            (
                Letter::WhoIsHeld
                | Letter::WhatFailed
                | Letter::Approve(..)
                | Letter::Cancel(_)
                | Letter::Retry(_)
                | Letter::View(_),
                _,
            ) => {}
        }
    }

    fn granted(&mut self, wish: usize, reply: &Reply) {
        let id = reply.json()["id"].as_str().and_then(|id| id.parse::<OffboardingId>().ok());
        match (reply.status, id) {
            (status @ (200 | 202), Some(id)) => self.dealings.granted.push(Granted { wish, id, status }),
            _ => self.dealings.improper.push(format!("a good wish was answered {}: {}", reply.status, reply.body)),
        }
    }

    /// The operator decides about those who are held.
    fn decide_about(&mut self, list: &Value) {
        let calm = self.fate.rates().is_none();
        for held in list["offboardings"].as_array().into_iter().flatten() {
            let Some(id) = held["id"].as_str().and_then(|id| id.parse::<OffboardingId>().ok()) else { continue };
            let reasons = held["hold"]["reasons"].as_array().cloned().unwrap_or_default();
            let mut codes: Vec<String> =
                reasons.iter().filter_map(|reason| reason["code"].as_str().map(str::to_owned)).collect();
            codes.sort();
            codes.dedup();
            if codes.iter().any(|code| code == "acting_admin" || code == "person_ambiguous") {
                self.write(Letter::Cancel(id));
                continue;
            }
            match self.dice.below(10) {
                0 if !calm => {}
                0 | 1 => self.write(Letter::Cancel(id)),
                _ => {
                    let kept = reasons.iter().filter(|reason| reason["code"] == "space_would_keep_the_leaver");
                    self.let_in(kept.filter_map(|reason| reason["space_id"].as_u64()).map(SpaceId).collect());
                    self.dealings.approved.push((id.clone(), self.clock.read(), codes));
                    self.write(Letter::Approve(id, decision_on_all(&held["hold"])));
                }
            }
        }
    }

    /// The operator resumes what has failed.
    fn repair(&mut self, list: &Value) {
        for failed in list["offboardings"].as_array().into_iter().flatten() {
            let Some(id) = failed["id"].as_str().and_then(|id| id.parse::<OffboardingId>().ok()) else { continue };
            if failed["failure"]["code"] == "still_a_member" {
                self.remove_by_hand(failed["user"]["user_id"].as_u64());
            }
            if !self.dealings.rests(&id) {
                self.write(Letter::Retry(id));
            }
        }
    }

    /// The operator does in Podio what the hold asks for: the acting admin runs the spaces too.
    fn let_in(&mut self, spaces: Vec<SpaceId>) {
        let now = self.clock.read();
        let mut state = self.podio.state();
        let Some(acting) = state.tokens.acting_user() else { return };
        for space in spaces {
            self.journal.note(format_args!("-- the acting admin is let into {space}"));
            state.add_to_space(now, space, acting, SpaceRole::Admin);
            state.set_space_role(space, acting, SpaceRole::Admin);
        }
    }

    /// The operator does in Podio what the failure asks for: somebody else runs the spaces, and the leaver is out.
    fn remove_by_hand(&mut self, user: Option<u64>) {
        let Some(user) = user.map(UserId) else { return };
        let spaces = self.podio.state().spaces_of_member(ORG_ID, user);
        self.let_in(spaces.clone());
        self.journal.note(format_args!("-- {user} is removed by hand"));
        let (now, mut state) = (self.clock.read(), self.podio.state());
        for space in spaces {
            state.remove_from_space(now, space, &[user]).ok();
        }
    }

    /// Something happens at Podio.
    fn happen(&mut self, stranger: &Stranger) {
        let now = self.clock.read();
        self.journal.note(format_args!("-- behind our back: {stranger:?}"));
        let mut state = self.podio.state();
        match stranger {
            Stranger::Adds(leaver) => {
                let (user, space) = (self.wiring.scene.leavers[*leaver].user, *self.dice.pick(&self.spaces));
                if state.spaces[&space].deleted_on.is_none()
                    && !state.add_to_space(now, space, user, SpaceRole::Regular).is_empty()
                {
                    self.dealings.added.push((*leaver, space, now));
                }
            }
            Stranger::Founds(leaver) => {
                let user = self.wiring.scene.leavers[*leaver].user;
                let others: Vec<_> =
                    state.org_members(ORG_ID).into_iter().filter(|other| *other != user).take(3).collect();
                let space = state.create_space(now, ORG_ID, "Farewell", SpaceKind::Regular);
                for other in others {
                    state.add_to_space(now, space, other, SpaceRole::Admin);
                }
                state.add_to_space(now, space, user, SpaceRole::Regular);
                self.dealings.added.push((*leaver, space, now));
            }
            Stranger::Removes(leaver) => {
                let user = self.wiring.scene.leavers[*leaver].user;
                if let Some(space) = state.spaces_of_member(ORG_ID, user).first().copied() {
                    state.remove_from_space(now, space, &[user]).ok();
                }
            }
            Stranger::RevokesAccess => state.tokens.revoke_access_tokens(),
            Stranger::RevokesRefresh => state.tokens.revoke_refresh_tokens(),
            Stranger::Spends(calls) => {
                let Some(acting) = state.tokens.acting_user() else { return };
                let token = state.access_token(now, config::CLIENT_ID, acting);
                for _ in 0..*calls {
                    state.answer(now, &Request::new("GET", "/org/4711").token(&token));
                }
            }
        }
    }
}
