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
    Page {
        /// Members seen so far.
        offset: u32,
        /// The last of them, by whom it is told that nobody was passed over. Not kept by earlier versions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tail: Vec<UserId>,
        /// Length of the page before, if there was one.
        previous: Option<u32>,
        /// Whether Podio is asked to filter by the address, rather than to list everyone.
        filtered: bool,
        /// Pages seen so far.
        #[serde(default)]
        pages: u32,
        /// What the page before consisted of, so that a Podio that keeps sending the same one is noticed.
        #[serde(default)]
        fingerprint: Option<u64>,
        /// Whether Podio has refused large pages.
        #[serde(default)]
        small: bool,
    },
    /// Found: preview the removal and list the spaces.
    Preview,
    /// The spaces are written down; look into each for the leaver and for company.
    Check {
        /// How many.
        spaces: u32,
    },
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
    /// Whether Podio has shown somebody who was a member under that address or id.
    #[serde(default)]
    pub was_member: bool,
    /// Members whose profile shows the address, but whose account has another: too little to remove anyone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookalikes: Vec<UserId>,
    /// Members whose profile shows the address, and of whose account nothing is shown. One alone may be the person, once
    /// everyone has been looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Leaver>,
    /// Whether one of the candidates is an admin of the organization.
    #[serde(default, skip_serializing_if = "is_default")]
    pub candidate_is_admin: bool,
    /// Whether Podio has said, since the organization is about to be left, that the leaver is in no space any more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub in_no_space: bool,
    /// What is to become of the looks right before the organization is left, once the quota has cut them short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
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
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn a_search_that_an_earlier_version_stored_goes_on() {
        let stored = json!({
            "step": {"step": "page", "offset": 300, "previous": 100, "filtered": false},
            "misses": ["members matching the address"], "lookalikes": [7],
        });
        let search: Search = from_value(stored).unwrap();
        let page = SearchStep::Page {
            offset: 300,
            tail: vec![],
            previous: Some(100),
            filtered: false,
            pages: 0,
            fingerprint: None,
            small: false,
        };
        assert_eq!((search.step, search.lookalikes, search.candidates), (page, vec![UserId(7)], vec![]));
    }

    #[test]
    fn where_paging_has_got_to_survives_a_wait() {
        let fingerprint = Some(u64::MAX);
        let step = SearchStep::Page {
            offset: 100,
            tail: vec![UserId(6), UserId(7)],
            previous: Some(100),
            filtered: true,
            pages: 1,
            fingerprint,
            small: true,
        };
        let stored = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<SearchStep>(&stored).unwrap(), step);
    }
}
