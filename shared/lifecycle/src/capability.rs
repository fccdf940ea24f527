//! Capabilities: what Podio may or may not offer to this key and organization, learned by trying.
//!
//! A route that does not exist answers 404 *No matching operation*. That is remembered for a while, so that the next
//! leaver goes straight to the fallback, and forgotten again, so that a route that comes back is found.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that only some installations of Podio seem to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// `GET /org/{org}/member/mail/{mail}`
    MemberByMail,
    /// `GET /org/{org}/member/{user}/end_member_info`
    EndMemberInfo,
    /// `GET /org/{org}/member/{user}/space_member/`
    MemberSpaces,
    /// `GET /org/{org}/all_spaces/`
    AllSpaces,
    /// `GET /space/{space}/member/{user}`
    SpaceMembership,
    /// `GET /space/{space}/member/v2/`
    SpaceMembersV2,
    /// `GET /space/{space}/member/`
    SpaceMembers,
    /// `DELETE /space/{space}/member/{users}` with several users
    PluralSpaceMembers,
}

/// What is known to be missing, or proven to be there, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    #[serde(default)]
    missing_since: BTreeMap<Capability, Timestamp>,
    /// For what can seem to be there and is not.
    #[serde(default)]
    proven_since: BTreeMap<Capability, Timestamp>,
}

impl Capabilities {
    /// How long a missing route is believed to be missing.
    pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 7);

    /// Whether it is worth trying.
    pub fn may_offer(&self, capability: Capability, now: Timestamp) -> bool {
        self.missing_since.get(&capability).is_none_or(|&since| now.duration_since(since) > Self::REMEMBERED)
    }

    /// Remembers that Podio does not know the route.
    pub fn missing(&mut self, capability: Capability, now: Timestamp) {
        self.proven_since.remove(&capability);
        self.missing_since.insert(capability, now);
    }

    /// Whether a success was seen to be what it seemed.
    pub fn is_proven(&self, capability: Capability) -> bool {
        self.proven_since.contains_key(&capability)
    }

    /// Remembers that a success was what it seemed, until Podio is found to lack it.
    pub fn proven(&mut self, capability: Capability, now: Timestamp) {
        self.missing_since.remove(&capability);
        self.proven_since.entry(capability).or_insert(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_route_is_tried_again_after_a_week() {
        let start = Timestamp::UNIX_EPOCH;
        let mut known = Capabilities::default();
        assert!(known.may_offer(Capability::EndMemberInfo, start));
        known.missing(Capability::EndMemberInfo, start);
        assert!(!known.may_offer(Capability::EndMemberInfo, start + Capabilities::REMEMBERED));
        assert!(known.may_offer(Capability::MemberByMail, start));
        assert!(
            known.may_offer(Capability::EndMemberInfo, start + Capabilities::REMEMBERED + SignedDuration::from_secs(1))
        );
    }

    #[test]
    fn what_is_proven_stays_so_until_it_is_missing() {
        let start = Timestamp::UNIX_EPOCH;
        let mut known = Capabilities::default();
        assert!(!known.is_proven(Capability::PluralSpaceMembers), "offered is not proven");
        known.missing(Capability::PluralSpaceMembers, start);
        known.proven(Capability::PluralSpaceMembers, start);
        assert!(known.is_proven(Capability::PluralSpaceMembers));
        assert!(known.may_offer(Capability::PluralSpaceMembers, start));
        known.missing(Capability::PluralSpaceMembers, start);
        assert!(!known.is_proven(Capability::PluralSpaceMembers));
    }
}
