//! Where planning has got to.
//!
//! A plan takes two calls where Podio offers its shortcuts, and hundreds where it does not. When the quota makes it wait,
//! what has been found out so far is kept here, so that no call is made twice. What grows with the organization (its
//! spaces) is kept in the space removals instead, one item each.

use serde::{Deserialize, Serialize};

use super::{Leaver, is_default};
use crate::ids::UserId;

/// The step at which planning goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum SearchStep {
    /// Find the member.
    #[default]
    Find,
    /// No shortcut gave the person: go through the members, page by page.
    Page(Paging),
    /// Found: preview the removal and list the spaces.
    Preview,
    /// The spaces are written down; look into each for the leaver and for company.
    Check {
        /// How many.
        spaces: u32,
    },
}

/// Where going through the members of the organization has got to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Paging {
    /// Members seen so far.
    #[serde(skip_serializing_if = "is_default")]
    pub offset: u32,
    /// The last of them, by whom it is told that nobody was passed over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tail: Vec<UserId>,
    /// Length of the page before, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<u32>,
    /// Whether Podio is asked to filter by the address, rather than to list everyone.
    #[serde(skip_serializing_if = "is_default")]
    pub filtered: bool,
    /// Pages seen so far.
    #[serde(skip_serializing_if = "is_default")]
    pub pages: u32,
    /// What the page before consisted of, so that a Podio that keeps sending the same one is noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<u64>,
    /// Whether Podio has refused large pages.
    #[serde(skip_serializing_if = "is_default")]
    pub small: bool,
    /// Whether an entry could not be read, so that the list proves nobody's absence.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unread: bool,
}

/// Members whose profile shows the address that is looked for: a profile is its owner's to write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Doubts {
    /// Whether Podio has shown somebody who was a member under that address or id.
    #[serde(default, skip_serializing_if = "is_default")]
    pub was_member: bool,
    /// Those whose account has another address: too little to remove anyone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lookalikes: Vec<UserId>,
    /// Those of whose account nothing is shown. One alone may be the person, once everyone has been looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Leaver>,
    /// Whether one of the candidates is an admin of the organization.
    #[serde(skip_serializing_if = "is_default")]
    pub candidate_is_admin: bool,
}

/// What planning knows so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Where to go on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub step: SearchStep,
    /// The member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Leaver>,
    /// Whether the member is an admin of the organization, where Podio said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_admin: Option<bool>,
    /// The organization's admins, once asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admins: Option<Vec<UserId>>,
    /// Where the leaver's spaces are looked up next.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: SpaceSource,
    /// Whether the account that the service acts as was asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acting_asked: bool,
    /// That account, where Podio tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<UserId>,
    /// Look-ups that did not find the person. Two different ones must agree before anybody counts as gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<String>,
    /// Who may or may not be the person.
    #[serde(default, skip_serializing_if = "is_default")]
    pub doubts: Doubts,
}

/// What was found out since the organization is about to be left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastLook {
    /// Where the look for the leaver among all members has got to, once the removal may have been sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// Whether Podio has said that the leaver is in no space any more.
    #[serde(skip_serializing_if = "is_default")]
    pub in_no_space: bool,
    /// What is to become of the looks into spaces, once the quota has cut them short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
}

/// What the job of a stage has found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// While its time has not come.
    Scheduled(Box<Search>),
    /// Planning.
    Planning(Box<Search>),
    /// Leaving the organization.
    Finalizing(LastLook),
    /// Reading back: where the look for the leaver among all members has got to.
    Verifying(Option<Paging>),
}

/// Where the leaver's spaces are looked up, best first. What Podio denied, or what showed nothing, is not asked for again
/// after a wait: the moment that was waited for is for what comes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaceSource {
    /// The preview of the organization removal.
    #[default]
    Preview,
    /// The member's memberships.
    Memberships,
    /// All spaces of the organization.
    AllSpaces,
    /// Those of the organization that the acting account sees.
    Spaces,
}

/// Looks into the spaces that did not let the leaver go, which are worth something only right before the organization is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Looks {
    /// So many are to be made one after the other: their moments are reserved right after each other.
    Together(u32),
    /// There are more than that can be done for.
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_paging_has_got_to_survives_a_wait() {
        let step = SearchStep::Page(Paging {
            offset: 100,
            tail: vec![UserId(6), UserId(7)],
            previous: Some(100),
            filtered: true,
            pages: 1,
            fingerprint: Some(u64::MAX),
            small: true,
            unread: true,
        });
        let stored = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<SearchStep>(&stored).unwrap(), step);
    }
}
