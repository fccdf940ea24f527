//! Where planning has got to.
//!
//! A plan takes two calls where Podio offers its shortcuts, and hundreds where it does not. When the quota makes it wait,
//! what has been found out so far is kept here, so that no call is made twice. What grows with the organization (its
//! spaces) is kept in the batches instead.

use serde::{Deserialize, Serialize};

use super::Leaver;
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
        /// Length of the page before, if there was one.
        previous: Option<u32>,
        /// Whether Podio is asked to filter by the address, rather than to list everyone.
        filtered: bool,
    },
    /// Found: preview the removal and list the spaces.
    Preview,
    /// The spaces are written down as batches; look into each for the leaver and for company.
    Check {
        /// Batches of the plan.
        batches: u32,
        /// The first batch that may hold an unchecked space.
        next: u32,
    },
}

/// What planning knows so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Where to go on.
    #[serde(default)]
    pub step: SearchStep,
    /// The member.
    #[serde(default)]
    pub found: Option<Leaver>,
    /// Whether the member is an admin of the organization, where Podio said so.
    #[serde(default)]
    pub org_admin: Option<bool>,
    /// The organization's admins, once asked for.
    #[serde(default)]
    pub admins: Option<Vec<UserId>>,
    /// Look-ups that did not find the person. Two different ones must agree before anybody counts as gone.
    #[serde(default)]
    pub misses: Vec<String>,
    /// Members whose profile, but not whose account, shows the address: too little to remove anyone.
    #[serde(default)]
    pub lookalikes: Vec<UserId>,
}
