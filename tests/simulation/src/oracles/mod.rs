//! What the product never does, judged by Podio's own log and state, and by what people were told.
//!
//! The product's records are not looked at: a record that is wrong must not be its own witness. Each rule bears the
//! number that it has in the list of the README beside this crate.

mod consent;
mod once;
mod order;
mod pace;
mod proof;
mod rest;
mod sight;
mod standing;
mod words;

use std::collections::BTreeSet;

use jiff::Timestamp;
use podio_lifecycle::ids::OffboardingId;
use podio_sandbox::{Call, State, UserId};

use crate::{
    dealings::Dealings,
    podio::Witness,
    scene::{Leaver, Scene},
};

pub use self::standing::nobody_left_who_is_there;

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number; 9 stands for liveness.
    pub rule: u8,
    /// What happened.
    pub what: String,
}

/// What the oracles are shown.
pub struct Evidence<'a> {
    /// Podio's log.
    pub log: &'a [Call],
    /// Podio at the end.
    pub podio: &'a State,
    /// What Podio's side saw at unsafe calls.
    pub witnesses: &'a [Witness],
    /// What people know.
    pub dealings: &'a Dealings,
    /// The story.
    pub scene: &'a Scene,
    /// Whether a token may have been lost with whoever had it.
    pub token_lost: bool,
}

/// Every rule that was broken.
pub fn judge(evidence: &Evidence<'_>) -> Vec<Violation> {
    let oracles = [order::judge, proof::judge, pace::judge, rest::judge, once::judge, consent::judge, words::judge];
    oracles.iter().flat_map(|oracle| oracle(evidence)).collect()
}

/// A violation.
fn broken(rule: u8, what: impl Into<String>) -> Violation {
    Violation { rule, what: what.into() }
}

/// A call that ends memberships.
pub enum Removal<'a> {
    /// Of the organization.
    Org(UserId),
    /// Of a space.
    Space(u64, &'a str),
}

/// What a call wants to end, if that is what it is for.
pub fn removal(call: &Call) -> Option<Removal<'_>> {
    if call.method != "DELETE" {
        return None;
    }
    let path: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
    match path[..] {
        ["org", _, "member", user] => Some(Removal::Org(UserId(user.parse().ok()?))),
        ["space", space, "member", users] => Some(Removal::Space(space.parse().ok()?, users)),
        _ => None,
    }
}

/// Whom a call wants to remove.
pub fn targets(call: &Call) -> Vec<UserId> {
    match removal(call) {
        Some(Removal::Org(user)) => vec![user],
        Some(Removal::Space(_, users)) => {
            users.split([',', '%']).filter_map(|user| user.trim_start_matches("2C").parse().ok().map(UserId)).collect()
        }
        None => Vec::new(),
    }
}

impl Evidence<'_> {
    fn leaver(&self, user: UserId) -> Option<(usize, &Leaver)> {
        self.scene.leavers.iter().enumerate().find(|(_, leaver)| leaver.user == user)
    }

    /// The offboardings of a person that people know of.
    fn ids_of(&self, leaver: usize) -> BTreeSet<OffboardingId> {
        let of = self.dealings.granted.iter().filter(|granted| self.scene.wishes[granted.wish].leaver == leaver);
        of.map(|granted| granted.id.clone()).collect()
    }

    /// Whether a code was approved for a person before that time.
    fn approved(&self, leaver: usize, code: &str, before: Timestamp) -> bool {
        let ids = self.ids_of(leaver);
        let mut approvals = self.dealings.approved.iter();
        approvals.any(|(id, at, codes)| ids.contains(id) && *at <= before && codes.iter().any(|it| it == code))
    }

    /// Whether a call asks for a person by any of the ways there are.
    fn is_look_at(&self, call: &Call, leaver: &Leaver) -> bool {
        let path = call.path.split('?').next().unwrap_or_default();
        let mail = leaver.mail.replace('@', "%40");
        call.method == "GET"
            && (path.ends_with(&format!("/member/{}", leaver.user))
                || path.ends_with(&leaver.mail)
                || path.ends_with(&mail)
                || (path.starts_with("/org/") && (path.ends_with("/member/") || path.contains("/member/search"))))
    }
}
