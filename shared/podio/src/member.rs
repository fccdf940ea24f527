//! A member as any of Podio's lists shows one: nested (`user`, `profile`) or flat, with whatever else is known.

use jiff::Timestamp;
use podio_lifecycle::ids::UserId;
use serde::Deserialize;

use crate::{
    role::Role,
    tolerant::{self, RawId},
};

/// All that a membership of an organization or a space may carry.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawMember {
    user: Option<RawPerson>,
    profile: Option<RawPerson>,
    #[serde(flatten)]
    flat: RawPerson,
    #[serde(deserialize_with = "tolerant::role")]
    pub(crate) role: Option<Role>,
    #[serde(deserialize_with = "tolerant::lenient")]
    pub(crate) employee: Option<bool>,
    #[serde(deserialize_with = "tolerant::text")]
    pub(crate) tier: Option<String>,
    #[serde(deserialize_with = "tolerant::lenient")]
    pub(crate) space_memberships: Option<u32>,
    #[serde(deserialize_with = "tolerant::lenient")]
    pub(crate) spaces: Option<SpaceCounts>,
    #[serde(deserialize_with = "tolerant::lenient")]
    pub(crate) grants: Option<u32>,
    #[serde(deserialize_with = "tolerant::date")]
    pub(crate) invited_on: Option<Timestamp>,
    #[serde(deserialize_with = "tolerant::date")]
    pub(crate) started_on: Option<Timestamp>,
    #[serde(deserialize_with = "tolerant::strict_date")]
    pub(crate) ended_on: Option<Timestamp>,
}

/// In how many spaces somebody is, by state; on a single member only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SpaceCounts {
    /// Invitations not yet taken up.
    pub invited: u32,
    /// Memberships proper.
    pub started: u32,
}

/// What `user`, `profile` and the flat member have in common.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawPerson {
    pub(crate) user_id: Option<RawId>,
    #[serde(deserialize_with = "tolerant::text")]
    name: Option<String>,
    #[serde(deserialize_with = "tolerant::mails")]
    mail: Vec<String>,
    #[serde(deserialize_with = "tolerant::mails")]
    mails: Vec<String>,
    #[serde(deserialize_with = "tolerant::text")]
    status: Option<String>,
    #[serde(deserialize_with = "tolerant::date")]
    last_seen_on: Option<Timestamp>,
    #[serde(deserialize_with = "tolerant::date")]
    created_on: Option<Timestamp>,
    #[serde(rename = "type", deserialize_with = "tolerant::text")]
    kind: Option<String>,
    #[serde(deserialize_with = "tolerant::lenient")]
    is_employee: Option<bool>,
    #[serde(flatten)]
    _object: tolerant::ObjectOnly,
}

impl RawMember {
    /// Whose membership it is. Sources that contradict each other are no answer: the wrong person could be removed.
    pub(crate) fn user_id(&self) -> Result<UserId, &'static str> {
        let mut ids = self.people().filter_map(|person| person.user_id);
        let first = ids.next().ok_or("no user id")?;
        if ids.all(|id| id == first) { Ok(UserId(first.0)) } else { Err("contradictory user ids") }
    }

    /// The addresses of the account: those that it signs in with.
    pub(crate) fn account_mails(&self) -> Vec<String> {
        distinct(self.user.iter().chain([&self.flat]))
    }

    /// The addresses that the person shows.
    pub(crate) fn profile_mails(&self) -> Vec<String> {
        distinct(&self.profile)
    }

    pub(crate) fn name(&self) -> Option<String> {
        let mut people = self.profile.iter().chain(&self.user).chain([&self.flat]);
        people.find_map(|person| person.name.clone())
    }

    pub(crate) fn status(&self) -> Option<String> {
        self.people().find_map(|person| person.status.clone())
    }

    pub(crate) fn last_seen_on(&self) -> Option<Timestamp> {
        self.people().find_map(|person| person.last_seen_on)
    }

    /// When the account was made.
    pub(crate) fn created_on(&self) -> Option<Timestamp> {
        self.user.iter().chain([&self.flat]).find_map(|person| person.created_on)
    }

    /// The type of the account; that of a profile says something else.
    pub(crate) fn account_kind(&self) -> Option<String> {
        self.user.iter().chain([&self.flat]).find_map(|person| person.kind.clone())
    }

    /// Employee or external, as the membership says it, else as the profile does.
    pub(crate) fn is_employee(&self) -> Option<bool> {
        self.employee.or_else(|| self.people().find_map(|person| person.is_employee))
    }

    fn people(&self) -> impl Iterator<Item = &RawPerson> {
        self.user.iter().chain(&self.profile).chain([&self.flat])
    }
}

fn distinct<'a>(people: impl IntoIterator<Item = &'a RawPerson>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for mail in people.into_iter().flat_map(|person| person.mail.iter().chain(&person.mails)) {
        if !found.iter().any(|known| crate::mail::same(known, mail)) {
            found.push(mail.clone());
        }
    }
    found
}
