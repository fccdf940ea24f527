//! The list of people who should have access, as HR or the identity provider gave it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{MemberType, RosterId};
use crate::{actor::Actor, email::EmailAddress, ids::OrgId};

/// Whether somebody should have access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RosterStatus {
    /// They should.
    Active,
    /// They should not any more.
    Left,
}

impl RosterStatus {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Left => "left",
        }
    }

    /// What the word of a system means: ours, and those of Google Workspace, Slack, Baton and GitLab. None for a word that
    /// could mean either.
    pub fn parse(word: &str) -> Option<Self> {
        const ACTIVE: [&str; 10] =
            ["", "active", "enabled", "member", "admin", "owner", "primary owner", "employee", "invited", "pending"];
        const LEFT: [&str; 12] = [
            "left",
            "inactive",
            "suspended",
            "deactivated",
            "disabled",
            "deleted",
            "terminated",
            "blocked",
            "archived",
            "former",
            "banned",
            "offboarded",
        ];
        let word = word.trim().to_lowercase();
        if ACTIVE.contains(&word.as_str()) {
            Some(Self::Active)
        } else {
            LEFT.contains(&word.as_str()).then_some(Self::Left)
        }
    }
}

/// Somebody of a roster. `Debug` shows neither name nor addresses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEntry {
    /// The address.
    pub email: EmailAddress,
    /// Other addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_emails: Vec<EmailAddress>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether they should have access.
    pub status: RosterStatus,
    /// The last day on which they should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<Date>,
    /// HR's number of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// Employee or external.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MemberType>,
}

impl RosterEntry {
    /// Whether they should have access on that day.
    pub fn is_expected_on(&self, day: Date) -> bool {
        self.status == RosterStatus::Active && self.last_day.is_none_or(|last| last >= day)
    }

    /// Both rows about one address. Whoever is active in one is: a system may list somebody once for each group.
    fn merged(self, other: Self) -> Self {
        let mut other_emails = self.other_emails;
        other_emails.extend(other.other_emails);
        other_emails.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        other_emails.dedup();
        Self {
            other_emails,
            name: self.name.or(other.name),
            status: self.status.min(other.status),
            last_day: self.last_day.zip(other.last_day).map(|(one, other)| one.max(other)),
            employee_id: self.employee_id.or(other.employee_id),
            kind: self.kind.or(other.kind),
            email: self.email,
        }
    }
}

impl fmt::Debug for RosterEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RosterEntry")
            .field("status", &self.status)
            .field("last_day", &self.last_day)
            .finish_non_exhaustive()
    }
}

/// Each address once, in order.
pub fn distinct(entries: impl IntoIterator<Item = RosterEntry>) -> Vec<RosterEntry> {
    let mut known: BTreeMap<String, RosterEntry> = BTreeMap::new();
    for entry in entries {
        match known.entry(entry.email.as_str().to_owned()) {
            Entry::Vacant(place) => {
                place.insert(entry);
            }
            Entry::Occupied(mut place) => {
                let merged = place.get().clone().merged(entry);
                place.insert(merged);
            }
        }
    }
    known.into_values().collect()
}

/// A roster that is being sent in parts, and how many items each part takes in storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRoster {
    /// The roster.
    pub id: RosterId,
    /// How many parts it has.
    pub of: u32,
    /// The parts that have come, and in how many items each is stored.
    pub received: BTreeMap<u32, u32>,
    /// Who sends it.
    pub by: Actor,
}

impl OpenRoster {
    /// Whether all parts have come.
    pub fn is_complete(&self) -> bool {
        (1..=self.of).all(|part| self.received.contains_key(&part))
    }
}

/// The rosters of an organization in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rosters {
    /// The organization.
    pub org_id: OrgId,
    /// The one of which parts are missing.
    pub open: Option<OpenRoster>,
    /// The newest that is complete, and since when.
    pub current: Option<(OpenRoster, Timestamp)>,
    /// Bumped by each write; 0 for what is not stored.
    #[serde(skip)]
    pub revision: u64,
}

/// A part that belongs to no roster that is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the first part has to come first, from the same sender and with the same number of parts")]
pub struct NoSuchRoster;

impl Rosters {
    /// Those of an organization that has sent none.
    pub fn none(org_id: OrgId) -> Self {
        Self { org_id, open: None, current: None, revision: 0 }
    }

    /// The roster that a part belongs to: a new one, for the first part, else the one that is being sent.
    ///
    /// # Errors
    /// [`NoSuchRoster`] for a later part of none.
    pub fn roster_of(&self, part: u32, of: u32, by: &Actor, new: RosterId) -> Result<OpenRoster, NoSuchRoster> {
        let open = self.open.as_ref().filter(|open| open.of == of && open.by == *by);
        match (part, open) {
            (1, _) => Ok(OpenRoster { id: new, of, received: BTreeMap::new(), by: by.clone() }),
            (_, Some(open)) => Ok(open.clone()),
            (_, None) => Err(NoSuchRoster),
        }
    }

    /// The same with a part that is stored in so many items.
    #[must_use]
    pub fn with(&self, mut roster: OpenRoster, part: u32, items: u32, now: Timestamp) -> Self {
        roster.received.insert(part, items);
        if roster.is_complete() {
            Self { open: None, current: Some((roster, now)), ..self.clone() }
        } else {
            Self { open: Some(roster), ..self.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::ActorKind;

    fn entry(email: &str, status: RosterStatus) -> RosterEntry {
        RosterEntry {
            email: email.parse().unwrap(),
            other_emails: vec![],
            name: None,
            status,
            last_day: None,
            employee_id: None,
            kind: None,
        }
    }

    #[test]
    fn words_of_known_systems_are_understood_and_others_are_not_guessed() {
        for (word, status) in [
            ("Active", Some(RosterStatus::Active)),
            ("", Some(RosterStatus::Active)),
            ("Primary Owner", Some(RosterStatus::Active)),
            ("Suspended", Some(RosterStatus::Left)),
            ("Deactivated", Some(RosterStatus::Left)),
            ("on leave", None),
        ] {
            assert_eq!(RosterStatus::parse(word), status, "{word}");
        }
    }

    #[test]
    fn an_address_that_is_active_once_is_active() {
        let rows = [
            entry("jane@example.com", RosterStatus::Left),
            entry("joe@example.com", RosterStatus::Left),
            entry("JANE@example.com", RosterStatus::Active),
        ];
        let merged = distinct(rows);
        assert_eq!(
            merged.iter().map(|entry| entry.status).collect::<Vec<_>>(),
            [RosterStatus::Active, RosterStatus::Left]
        );
    }

    #[test]
    fn nobody_is_expected_after_the_last_day() {
        let last: Date = "2026-12-01".parse().unwrap();
        let jane = RosterEntry { last_day: Some(last), ..entry("jane@example.com", RosterStatus::Active) };
        assert!(jane.is_expected_on(last) && !jane.is_expected_on(last.tomorrow().unwrap()));
        assert!(!entry("joe@example.com", RosterStatus::Left).is_expected_on(last));
    }

    #[test]
    fn a_roster_in_parts_counts_when_the_last_one_has_come() {
        let now = Timestamp::UNIX_EPOCH;
        let (hr, it) = (Actor::new(ActorKind::Api, "hr"), Actor::new(ActorKind::Api, "it"));
        let id = |n| RosterId::new(now, [n; 10]);
        let rosters = Rosters::none(OrgId(7));
        assert_eq!(rosters.roster_of(2, 2, &hr, id(1)), Err(NoSuchRoster));
        let begun = rosters.with(rosters.roster_of(1, 2, &hr, id(1)).unwrap(), 1, 3, now);
        assert_eq!((begun.open.as_ref().unwrap().id.clone(), &begun.current), (id(1), &None));
        assert_eq!(begun.roster_of(2, 2, &it, id(2)), Err(NoSuchRoster), "somebody else's");
        assert_eq!(begun.roster_of(2, 3, &hr, id(2)), Err(NoSuchRoster));
        let whole = begun.with(begun.roster_of(2, 2, &hr, id(2)).unwrap(), 2, 1, now);
        let (current, _) = whole.current.unwrap();
        assert_eq!((current.id, current.received.len(), whole.open), (id(1), 2, None));
    }
}
